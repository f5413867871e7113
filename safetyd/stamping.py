"""Time stamps as RFC 3161 has them: what is asked of an authority, and whether an answer is to be believed.

Rule: the only door to rfc3161-client, which is imported when it is first needed. What is stamped is a hash of
ours; an answer counts by the authority's certificate alone, as that stood at the time that the stamp names.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from safetyd.core.errors import SafetydError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

    Trusted = Sequence[Certificate]
else:
    Trusted = Sequence

NEEDED = "stamps need the extra stamp: pip install 'safetyd[stamp]'"
_SHA256 = "2.16.840.1.101.3.4.2.1"
_GRANTED = 0
_REASON = re.compile(r'reason: "([^"]+)"')
_STATUS = {1: "granted with changes", 2: "refused", 3: "put off", 4: "about to be revoked", 5: "revoked"}


class StampError(SafetydError):
    """A stamp, an answer or a file of certificates is not what it should be."""


class Question(NamedTuple):
    """What is sent to an authority, and the number by which its answer is known to be fresh."""

    body: bytes
    nonce: int


class Stamp(NamedTuple):
    """What an authority vouches for: when it had seen the hash, and who it says it is."""

    at: datetime
    by: str


def question(content: bytes) -> Question:
    """Return what is asked: to stamp the SHA-256 of some content."""
    from rfc3161_client import TimestampRequestBuilder
    from rfc3161_client.base import HashAlgorithm

    builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
    asked = builder.cert_request(cert_request=True).nonce(nonce=True).build()
    return Question(asked.as_bytes(), asked.nonce or 0)


def authorities(file: Path) -> Trusted:
    """Return the certificates of a PEM file.

    Raises:
        StampError: it cannot be read, or the extra is not installed.
    """
    try:
        import rfc3161_client  # noqa: F401 - of no use without it
        from cryptography.x509 import load_pem_x509_certificates
    except ImportError as error:
        raise StampError(NEEDED) from error
    try:
        return list(load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise StampError(f"{file}: holds no certificates that can be read: {_why(error)}") from error


def checked(answer: bytes, sha256: bytes, trusted: Trusted, nonce: int | None = None) -> Stamp:
    """Return what an authority's answer vouches for.

    Args:
        answer: As it came, DER.
        sha256: The hash that is to be stamped.
        trusted: Who may have signed it, or vouches for who did.
        nonce: That of the question; without one, any.

    Raises:
        StampError: it is no answer to that, or nobody trusted has given it.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        said = decode_timestamp_response(answer)
        status = int(said.status)
    except Exception as error:  # a stranger's bytes
        raise StampError("it is no time stamp") from error
    if status != _GRANTED:
        raise StampError(f"the stamp was {_STATUS.get(status, 'refused')}{_reason(said)}")
    try:
        imprint = said.tst_info.message_imprint
        if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256:
            raise StampError("it stamps another hash")
        if nonce is not None and said.tst_info.nonce != nonce:
            raise StampError("it answers another question (nonce)")
        VerifierBuilder(roots=list(trusted)).build().verify(said, sha256)
        at = said.tst_info.gen_time
        return Stamp(at.replace(tzinfo=at.tzinfo or UTC), _signer(said))
    except VerificationError as error:
        raise StampError(f"nobody who is trusted has signed it: {_why(error)}") from error
    except StampError:
        raise
    except Exception as error:  # a stranger's bytes
        raise StampError(f"it is no time stamp that can be checked: {_why(error)}") from error


def _signer(said: "TimeStampResponse") -> str:
    from cryptography.x509 import load_der_x509_certificate

    for signer in said.signed_data.signer_infos:
        for each in map(load_der_x509_certificate, said.signed_data.certificates):
            if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number):
                return each.subject.rfc4514_string()
    return "?"


def _reason(said: "TimeStampResponse") -> str:
    told = "; ".join(str(each) for each in said.status_string or ())
    return f": {told:.200}" if told.isprintable() and told else ""


def _why(error: Exception) -> str:
    said = f"{getattr(error, 'strerror', None) or error}"
    reason = _REASON.search(said)  # OpenSSL's, among much else
    return (reason[1] if reason else said.partition("\n")[0])[:200]
