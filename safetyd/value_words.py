"""One value of a device in words: with its unit, or what on and off mean of it."""

_SIGNS = {"degF": " °F", "%": " %", "V": " V", "W": " W", "kWh": " kWh"}
_FLAGS = {
    ("mains", True): "mains on",
    ("mains", False): "mains off",
    ("battery", True): "battery good",
    ("battery", False): "battery low",
}


def value_words(quantity: str, value: float | bool, unit: str) -> str:
    """Return what was measured: 71.2 °F, 41 %, battery 80 %, mains on."""
    if isinstance(value, bool):
        return _FLAGS[quantity, value]
    said = f"{value:.1f}{_SIGNS[unit]}" if unit == "degF" else f"{value:g}{_SIGNS[unit]}"
    return f"battery {said}" if quantity == "battery" else said
