"""Reads until when certificates hold: those that safetyd.toml uses, and those it names for others' sake.

Rule: of a chain the first counts, of a list of authorities the one that holds longest; one that cannot be
read is a certificate like any other, and says why.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from safetyd.settings import Settings

if TYPE_CHECKING:
    from cryptography import x509

_OURS = "safetyd authority "  # how the name of one begins that deploy/mosquitto/certificates.sh makes
_USED = (
    ("mqtt", "ca_file"),
    ("mqtt", "cert_file"),
    ("web", "cert_file"),
    ("influx", "ca_file"),
    ("audit", "timestamp_ca_file"),
)


class Use(StrEnum):
    """What a certificate is for, by the words with which certificates.sh makes one."""

    AUTHORITY = "authority"
    SERVER = "server"
    NODE = "node"  # server and client
    CLIENT = "client"


class Certificate(NamedTuple):
    """Whose it is, from when until when it holds; `wrong` says why it cannot be read.

    `use` is None unless deploy/mosquitto/certificates.sh made it, and makes the next one.
    """

    whose: str
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    wrong: str = ""
    use: Use | None = None
    file: str = ""


def used(settings: Settings) -> Iterator[Certificate]:
    """Yield each that safetyd itself goes by."""
    for section, name in _USED:
        file = getattr(getattr(settings, section), name, None)
        if file is not None:
            yield of_file(f"[{section}] {name}", file, are_authorities="ca_file" in name)


def named(pattern: str) -> Iterator[Certificate]:
    """Yield each at a path, or of a glob: there may be none of it."""
    found = sorted(glob(pattern)) if has_magic(pattern) else [pattern]
    yield from (of_file(each, Path(each)) for each in found)
    if not found and (wrong := _why_none(pattern)):
        yield Certificate(pattern, wrong=wrong, file=pattern)


def all_files(settings: Settings) -> Iterator[Certificate]:
    """Yield each that is in a file of this machine."""
    yield from used(settings)
    for pattern in settings.doctor.certificates:
        yield from named(pattern)


def of_file(whose: str, file: Path, *, are_authorities: bool = False) -> Certificate:
    """Return what a file of certificates says."""
    from cryptography import x509  # its library is for where somebody asks

    found = _read(
        whose, lambda: x509.load_pem_x509_certificates(file.read_bytes()), are_authorities=are_authorities
    )
    return found._replace(file=str(file))


def of_connection(whose: str, der: bytes) -> Certificate:
    """Return what a certificate says that somebody has shown."""
    from cryptography import x509

    return _read(whose, lambda: [x509.load_der_x509_certificate(der)])


def _why_none(pattern: str) -> str:
    """Why nothing is found where it could be, nothing if there is just none of it."""
    folder = Path(pattern)
    while has_magic(str(folder)):
        folder = folder.parent
    try:
        os.listdir(folder)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}"
    return ""


def _read(
    whose: str, load: "Callable[[], list[x509.Certificate]]", *, are_authorities: bool = False
) -> Certificate:
    try:
        found = load()
    except OSError as error:
        return Certificate(whose, wrong=f"it cannot be read: {error.strerror}")
    except ValueError:
        return Certificate(whose, wrong="no certificate is in it")
    one = max(found, key=lambda each: each.not_valid_after_utc) if are_authorities else found[0]
    return Certificate(whose, one.not_valid_before_utc, one.not_valid_after_utc, use=_use(one))


def _use(one: "x509.Certificate") -> Use | None:
    from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    names = one.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not any(str(each.value).startswith(_OURS) for each in names):
        return None
    try:
        if one.extensions.get_extension_for_class(BasicConstraints).value.ca:
            return Use.AUTHORITY
        uses = set(one.extensions.get_extension_for_class(ExtendedKeyUsage).value)
    except (ExtensionNotFound, ValueError):
        return None
    if ExtendedKeyUsageOID.SERVER_AUTH not in uses:
        return Use.CLIENT
    return Use.NODE if ExtendedKeyUsageOID.CLIENT_AUTH in uses else Use.SERVER
