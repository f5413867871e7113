"""`[heartbeat]` and `[last_resort]` of safetyd.toml: who outside hears that we live, and that telling fails.

Rule: where they are told is a secret. The last resort has one way, and a whole one: what is missing or too
much is named together with the rest.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr

from safetyd.setting_shapes import mailbox, path, secret, secret_url, whole_or_word
from safetyd.shapes import host_name, positive_duration, text


class _Outside(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Heartbeat(_Outside):
    """`[heartbeat]`: who is told regularly that we live; whoever knows the URL could tell it too."""

    url: Annotated[SecretStr, PlainValidator(secret_url)]
    every: Annotated[timedelta, PlainValidator(positive_duration)] = timedelta(seconds=60)


class LastResort(_Outside):
    """`[last_resort]`: who is told when a notice reaches nobody: by a web hook, or by a mail server.

    With port 465 or 587 the mail is encrypted.
    """

    url: Annotated[SecretStr, PlainValidator(secret_url)] | None = None
    smtp_host: Annotated[str, PlainValidator(host_name)] | None = None
    smtp_port: Annotated[int, PlainValidator(whole_or_word(1, 65535))] = 25
    smtp_from: Annotated[str, PlainValidator(mailbox)] | None = None
    smtp_to: Annotated[str, PlainValidator(mailbox)] | None = None
    smtp_username: Annotated[str, PlainValidator(text)] | None = None
    smtp_password: Annotated[SecretStr, PlainValidator(secret)] | None = None
    smtp_password_file: Annotated[Path, PlainValidator(path)] | None = None
    after: Annotated[timedelta, PlainValidator(positive_duration)] = timedelta(minutes=10)


def at_odds(section: LastResort) -> Iterator[tuple[str, str, str]]:
    """Yield what does not go together: key, what stands there, what was expected."""
    if section.url is not None:
        if any(name.startswith("smtp_") for name in section.model_fields_set):
            yield "url", "a web hook and a mail server stand here", "one of them"
        return
    if section.smtp_host is None:
        expected = "url, or smtp_host with smtp_from and smtp_to"
        yield "url", "neither a web hook nor a mail server stands here", expected
        return
    for name in ("smtp_from", "smtp_to"):
        if getattr(section, name) is None:
            yield name, "nothing stands here", "a mail address"
