"""Reads until when certificates hold.

Rule: of a chain the first counts, of a list of authorities the one that holds longest.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cryptography import x509

from safetyd.doctor.machine_findings import Certificate
from safetyd.settings import Settings


def certificates(settings: Settings, of_brokers: Mapping[str, bytes]) -> Iterator[Certificate]:
    """Yield each certificate that is in use: those of the configuration, and the one each broker shows."""
    for where, der in of_brokers.items():
        whose = "the broker's own" if len(settings.mqtt.places) == 1 else f"the one of {where}"
        yield _read(whose, lambda der=der: [x509.load_der_x509_certificate(der)])  # type: ignore[misc]
    for section, name in (
        ("mqtt", "ca_file"),
        ("mqtt", "cert_file"),
        ("web", "cert_file"),
        ("influx", "ca_file"),
        ("audit", "timestamp_ca_file"),
    ):
        file = getattr(getattr(settings, section), name, None)
        if file is not None:
            yield of_file(f"[{section}] {name}", file)


def of_file(whose: str, file: Path) -> Certificate:
    """Return what a file of certificates says."""
    return _read(whose, lambda: x509.load_pem_x509_certificates(file.read_bytes()))


def _read(whose: str, load: Callable[[], list[x509.Certificate]]) -> Certificate:
    try:
        found = load()
    except OSError as error:
        return Certificate(whose, wrong=f"it cannot be read: {error.strerror}")
    except ValueError:
        return Certificate(whose, wrong="no certificate is in it")
    one = max(found, key=lambda each: each.not_valid_after_utc) if "ca_file" in whose else found[0]
    return Certificate(whose, one.not_valid_before_utc, one.not_valid_after_utc)
