"""What `[centre]` and `[[gateways]]` mean, in words."""

from collections.abc import Iterator

from safetyd.settings import Settings


def centre_words(settings: Settings) -> Iterator[str]:
    """Yield what a gateway sends to a centre and obeys of it, and whose records a centre keeps."""
    if settings.centre.record:
        obeys = "obeys its commands" if settings.centre.commands else "takes no commands from it"
        yield f"Sends its record to a centre through the broker as {settings.mqtt.client_id}, and {obeys}."
    for gateway in settings.gateways:
        sees = "" if gateway.site else "; its site files are not named, so that nobody can look at it"
        yield f"Keeps a copy of the record of {gateway.name} in {gateway.copy.name}{sees}."
