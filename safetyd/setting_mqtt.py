"""`[mqtt]` of safetyd.toml: the broker, or the brokers, who we are to it, and our own topics.

Rule: `host` and `port` name one broker, `brokers` a list; never both. Name, password, certificates and
protocol are the same for all of a list: it is one cluster, or brokers that are alike.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr

from safetyd.faults import Misfit, shown
from safetyd.setting_files import Note, Where, with_files, with_secret
from safetyd.setting_shapes import filters, flag_or_word, listed, path, secret, whole_or_word
from safetyd.shapes import host_name, positive_duration, text, topic_level

LARGEST_WINDOW = 1000  # unacknowledged messages; more are never asked for
_MOST_BROKERS = 16
_A_LIST = 'a list, such as ["a.example:1883", "b.example:1883"]'
_A_BROKER = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[0-9A-Za-z_.-]+))(?::(?P<port>[0-9]{1,5}))?")

Text = Annotated[str, PlainValidator(text)]
Flag = Annotated[bool, PlainValidator(flag_or_word)]
Level = Annotated[str, PlainValidator(topic_level)]
File = Annotated[Path, PlainValidator(path)]
Secret = Annotated[SecretStr, PlainValidator(secret)]
Host = Annotated[str, PlainValidator(host_name)]
Port = Annotated[int, PlainValidator(whole_or_word(1, 65535))]


class Broker(NamedTuple):
    """Where a broker is; its certificate must name this host. Port 0 is that of `[mqtt] port`."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def broker_list(value: object) -> tuple[Broker, ...]:
    """Return a list of `host` or `host:port`; as text with commas, or a JSON list. All its faults are one."""
    is_json = isinstance(value, str) and value.startswith("[") and not _A_BROKER.match(value)
    given = listed(value, _A_LIST, is_json=is_json)
    found, wrong = [], []
    for each in given:
        try:
            found.append(_broker(each))
        except Misfit as misfit:
            wrong.append(misfit.value)
    wrong += [f"{shown(str(each))} is there twice" for each, n in Counter(found).items() if n > 1]
    if len(given) > _MOST_BROKERS:
        wrong.append(f"{len(given)} are too many, {_MOST_BROKERS} at most")
    if wrong:
        raise Misfit("; ".join(wrong), 'each once as "host:port", such as "a.example:1883"')
    return tuple(found)


def _broker(value: object) -> Broker:
    found = _A_BROKER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise Misfit(f"{shown(value)} is no broker", "host:port")
    port = found["port"]
    if port is not None and not 0 < int(port) < 65536:
        raise Misfit(f"{shown(value)} has no port from 1 to 65535", "host:port")
    return Broker(found["v6"] or found["host"], int(port or 0))


class Mqtt(BaseModel):
    """`[mqtt]`: the broker or brokers, who we are to it, our own topics, and where they are announced."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: Host = "127.0.0.1"
    port: Port = 1883
    brokers: Annotated[tuple[Broker, ...], PlainValidator(broker_list)] = ()  # instead of host
    client_id: Level = "safetyd"
    username: Text | None = None
    password: Secret | None = None
    password_file: File | None = None
    tls: Flag = False
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    embedded: Flag = False
    root: Level = "safetyd"
    protocol: Annotated[int, PlainValidator(whole_or_word(4, 5))] = 5  # 4 is what MQTT 3.1.1 calls itself
    # How many messages the broker sends before it waits; one of MQTT 5 says so itself.
    in_flight: Annotated[int, PlainValidator(whole_or_word(1, LARGEST_WINDOW))] = 20
    keepalive: Annotated[timedelta, PlainValidator(positive_duration)] = timedelta(seconds=60)
    also: Annotated[tuple[str, ...], PlainValidator(filters)] = ()  # heard too, to see what is nobody's yet
    announce: Flag = False
    announce_prefix: Level = "homeassistant"

    @property
    def places(self) -> tuple[Broker, ...]:
        """Where the brokers are, in the order in which they are tried; at least one."""
        if not self.brokers:
            return (Broker(self.host, self.port),)
        return tuple(Broker(each.host, each.port or self.port) for each in self.brokers)

    def alone(self) -> Iterator[Self]:
        """Yield these settings for each broker as if it were the only one."""
        for each in self.places:
            yield self.model_copy(update={"host": each.host, "port": each.port, "brokers": ()})


def completed(mqtt: Mqtt, where: Where, note: Note) -> Mqtt:
    """Return the section with absolute paths and its secret; what is at odds is noted."""
    mqtt = with_files(mqtt, "mqtt", where, note)
    mqtt = with_secret(mqtt, "mqtt", "password", note)
    if mqtt.password and mqtt.username is None and mqtt.protocol == 4:
        note(
            ("mqtt", "username"),
            "a password without a name",
            "a username (MQTT 3.1.1 knows no password alone)",
        )
    if mqtt.key_file and not mqtt.cert_file:
        note(("mqtt", "cert_file"), "a key without its certificate", "the certificate's file")
    for name in ("ca_file", "cert_file", "key_file"):
        if getattr(mqtt, name) and not mqtt.tls:
            note(("mqtt", name), "it is of no use without TLS", "tls = true beside it")
    if mqtt.keepalive > timedelta(seconds=65535):
        note(("mqtt", "keepalive"), "it is too long for MQTT", 'at most "65535s"')
    if mqtt.brokers and "host" in mqtt.model_fields_set:
        note(("mqtt", "host"), "brokers names them already", "host, or brokers, and not both")
    if mqtt.brokers and mqtt.embedded:
        note(("mqtt", "brokers"), "embedded = true runs one of our own", "either of them")
    if len(set(mqtt.places)) < len(mqtt.places):
        note(("mqtt", "brokers"), "one is there twice, by its port and by that of port", "each once")
    return mqtt


def mqtt_words(mqtt: Mqtt) -> str:
    """Return what is heard, and how, as people say it."""
    broker = "our own broker, on" if mqtt.embedded else "the broker at"
    if len(mqtt.places) > 1:
        broker = "one of the brokers (the next when it is lost, so they must share sessions)"
    how = ", encrypted" if mqtt.tls else ""
    who = f", as {mqtt.username}" if mqtt.username else ""
    return f"{broker} {', '.join(map(str, mqtt.places))}{how}{who}"
