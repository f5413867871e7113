"""`[heartbeat]`, `[last_resort]`, `[influx]` of safetyd.toml: who outside hears us, and where the copy is.

Rule: where somebody is told is a secret, and so is what lets us in. The last resort has one way, and a whole
one: what is missing or too much is named together with the rest.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr

from safetyd.setting_shapes import mailbox, path, plain_url, secret, secret_url, whole_or_word
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


class Influx(_Outside):
    """`[influx]`: where the record is copied to, and what lets us in: a token, or a name and a password."""

    url: Annotated[str, PlainValidator(plain_url)]
    org: Annotated[str, PlainValidator(text)] | None = None
    bucket: Annotated[str, PlainValidator(text)]
    token: Annotated[SecretStr, PlainValidator(secret)] | None = None
    token_file: Annotated[Path, PlainValidator(path)] | None = None
    username: Annotated[str, PlainValidator(text)] | None = None
    password: Annotated[SecretStr, PlainValidator(secret)] | None = None
    password_file: Annotated[Path, PlainValidator(path)] | None = None
    ca_file: Annotated[Path, PlainValidator(path)] | None = None

    @property
    def authorization(self) -> SecretStr | None:
        """What stands behind `Token`: 1.8 takes a name and a password there, with a colon between them."""
        if self.username is not None and self.password is not None:
            return SecretStr(f"{self.username}:{self.password.get_secret_value()}")
        return self.token

    @property
    def target(self) -> str:
        """Which copy this is: another address, organisation or bucket is another one."""
        return " ".join(filter(None, (self.url.rstrip("/"), self.org, self.bucket)))


def influx_at_odds(section: Influx) -> Iterator[tuple[str, str, str]]:
    """Yield what does not go together: key, what stands there, what was expected."""
    if section.token is not None and section.username is not None:
        yield "token", "a token and a name stand here", "one of them (1.8 takes a name and a password)"
    if section.username is not None and section.password is None and section.password_file is None:
        yield "password_file", "a name without its password", "the file of its password"
    if section.password is not None and section.username is None:
        yield "username", "a password without a name", "the name, or token_file alone"
    if section.ca_file is not None and not section.url.lower().startswith("https:"):
        yield "ca_file", "it is of no use without TLS", "https:// in url"
