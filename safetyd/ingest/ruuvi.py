"""Reads what a Ruuvi tag broadcasts, in its data format 5, from the hex of the whole advertisement.

Rule: a field at its invalid marker is not known, and no reading.
"""

import struct

from safetyd.core.model import Quantity
from safetyd.ingest.message import PayloadError, Sample

_MANUFACTURER, _RUUVI, _FORMAT = 0xFF, b"\x99\x04", b"\x05"
_LENGTH = 24  # bytes, from the format to the tag's address
_VALUES = struct.Struct(">hH8xH")  # temperature, humidity; pressure and acceleration are skipped; power
_NO_TEMPERATURE, _NO_HUMIDITY, _NO_BATTERY = -0x8000, 0xFFFF, 0x7FF


def readings(raw: str) -> tuple[Sample, ...]:
    """Return what an advertisement says; nothing for one of another maker or data format.

    Raises:
        PayloadError: it is no hex, or breaks off.
    """
    try:
        data = _of_ruuvi(bytes.fromhex(raw))
    except ValueError as error:
        raise PayloadError(f"is no hex text: {error}") from error
    if not data.startswith(_FORMAT):
        return ()
    if len(data) < _LENGTH:
        raise PayloadError(f"breaks off after {len(data)} bytes of data format 5; expected {_LENGTH}")
    temperature, humidity, power = _VALUES.unpack_from(data, len(_FORMAT))
    battery = power >> 5  # the rest is the strength of the radio
    samples = []
    if temperature != _NO_TEMPERATURE:
        samples.append(Sample(Quantity.TEMPERATURE, temperature / 200, "degC"))
    if humidity != _NO_HUMIDITY:
        samples.append(Sample(Quantity.HUMIDITY, humidity / 400, "%"))
    if battery != _NO_BATTERY:
        samples.append(Sample(Quantity.BATTERY, (1600 + battery) / 1000, "V"))
    return tuple(samples)


def _of_ruuvi(advertisement: bytes) -> bytes:
    """Return the maker's part of an advertisement, without its name; nothing if another made it."""
    at = 0
    while at + 1 < len(advertisement):
        end = at + 1 + advertisement[at]
        if advertisement[at + 1] == _MANUFACTURER and advertisement[at + 2 : at + 4] == _RUUVI:
            return advertisement[at + 4 : end]
        at = end
    return b""
