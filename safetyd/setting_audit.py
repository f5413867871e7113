"""`[audit]` of safetyd.toml: where else the head of the record's chain goes each day.

Rule: who takes the head is reached over TLS, or is on this machine. Who stamps it may be asked in the clear:
only a hash goes there, and the answer counts by its signature.
"""

import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr

from safetyd.setting_files import Note, Where, with_files, with_secret
from safetyd.setting_shapes import path, safe_url, secret, secret_url


def _safe(value: object) -> SecretStr:
    return SecretStr(safe_url(value))


class Audit(BaseModel):
    """`[audit]`: a file, a program behind a URL, an authority that stamps."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    head_file: Annotated[Path, PlainValidator(path)] | None = None
    head_url: Annotated[SecretStr, PlainValidator(_safe)] | None = None
    head_token: Annotated[SecretStr, PlainValidator(secret)] | None = None
    head_token_file: Annotated[Path, PlainValidator(path)] | None = None
    timestamp_url: Annotated[SecretStr, PlainValidator(secret_url)] | None = None
    timestamp_ca_file: Annotated[Path, PlainValidator(path)] | None = None


def completed(section: Audit, folder: Path, where: Where, note: Note) -> Audit:
    """Return the section with absolute paths and its secret; what is at odds is noted."""
    head_file = None if section.head_file is None else folder.absolute() / section.head_file
    section = with_files(section.model_copy(update={"head_file": None}), "audit", where, note)
    section = with_secret(section, "audit", "head_token", note)
    if section.head_token is not None and section.head_url is None:
        note(("audit", "head_url"), "a token without its address", "the address it is for")
    ca_file = section.timestamp_ca_file
    if section.timestamp_url is not None and ca_file is None:
        note(
            ("audit", "timestamp_ca_file"),
            "nothing stands here",
            "the certificates of whom both parties trust",
        )
    if section.timestamp_url is not None and find_spec("rfc3161_client") is None:
        note(("audit", "timestamp_url"), "the extra stamp is missing", "pip install 'safetyd[stamp]'")
    if ca_file is not None and ca_file.is_file() and not _holds_certificates(ca_file):
        note(("audit", "timestamp_ca_file"), "no certificate is in this file", "certificates, as PEM")
    return section.model_copy(update={"head_file": head_file})


def _holds_certificates(file: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:
        return False
    return True
