"""The heat index of the US National Weather Service.

Rule: the simple formula, averaged with the temperature, decides which formula holds; from 80 °F on it is
the Rothfusz regression with both humidity adjustments. Source: NWS Weather Prediction Center, "The Heat
Index Equation" (2014), and Rothfusz, SR 90-23 (1990). The regression's own error is ±1.3 °F, and it
describes a walking adult in the shade: it is the contract's measure, not a seated child's comfort.
"""

from math import sqrt

_COLDEST_F = 40.0  # at and below it the NWS calculator gives the temperature itself


def heat_index_f(air_temp_f: float, relative_humidity: float) -> float:
    """Return the NWS heat index, in °F, unrounded.

    Args:
        air_temp_f: Dry-bulb temperature in the shade, °F.
        relative_humidity: Percent, 0 to 100.

    Raises:
        ValueError: relative_humidity is outside 0 to 100, or either is not a number.
    """
    t, rh = air_temp_f, relative_humidity
    if not 0 <= rh <= 100:
        raise ValueError(f"relative humidity is {rh}; expected percent, 0 to 100")
    if t <= _COLDEST_F:
        return t
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + rh * 0.094)
    if (simple + t) / 2 < 80:
        return simple
    if t != t:
        raise ValueError("air temperature is not a number")
    index = (
        -42.379
        + 2.04901523 * t
        + 10.14333127 * rh
        - 0.22475541 * t * rh
        - 0.00683783 * t * t
        - 0.05481717 * rh * rh
        + 0.00122874 * t * t * rh
        + 0.00085282 * t * rh * rh
        - 0.00000199 * t * t * rh * rh
    )
    if rh < 13 and 80 <= t <= 112:
        index -= ((13 - rh) / 4) * sqrt((17 - abs(t - 95)) / 17)
    elif rh > 85 and 80 <= t <= 87:
        index += ((rh - 85) / 10) * ((87 - t) / 5)
    return index
