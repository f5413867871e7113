"""How the daemon runs: `safetyd.toml`, and over it the environment.

Rule: a Settings is complete and consistent, its paths are absolute, and its repr holds no secret.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from safetyd.credentials import located
from safetyd.faults import Fault, Misfit, did_you_mean, dotted, one_of, shown
from safetyd.setting_audit import Audit, completed
from safetyd.setting_centre import Centre, Gateway, centre_at_odds, read_gateways
from safetyd.setting_district import District
from safetyd.setting_doctor import Doctor
from safetyd.setting_files import Key, Note, Where, with_files, with_secret
from safetyd.setting_hooks import Webhook, read_hooks
from safetyd.setting_log import Log
from safetyd.setting_mqtt import Mqtt
from safetyd.setting_mqtt import completed as completed_mqtt
from safetyd.setting_outside import Heartbeat, Influx, LastResort, at_odds, influx_at_odds
from safetyd.setting_shapes import (
    flag_or_word,
    kept,
    path,
    paths,
    secret,
    ups_name,
    whole_or_word,
)
from safetyd.setting_store import completed as completed_url
from safetyd.setting_store import is_served, place_of, store_url
from safetyd.setting_web import Oidc, Web, oidc_at_odds, web_at_odds
from safetyd.shapes import (
    duration,
    host_name,
    positive_duration,
    text,
)
from safetyd.tables import read_toml

PREFIX = "SAFETYD_"
CONFIG_VARIABLE = "SAFETYD_CONFIG"  # where safetyd.toml is; the one variable that is no key of it
ENVIRONMENT = "environment"  # the "file" of a fault in a variable
_FROM_ENVIRONMENT_ONLY = (
    ("mqtt", "password"),
    ("store", "password"),
    ("oidc", "client_secret"),
    ("influx", "token"),
    ("influx", "password"),
    ("last_resort", "smtp_password"),
    ("audit", "head_token"),
)


Text = Annotated[str, PlainValidator(text)]
Flag = Annotated[bool, PlainValidator(flag_or_word)]
Duration = Annotated[timedelta, PlainValidator(duration)]
Kept = Annotated[timedelta, PlainValidator(kept)]
SomeTime = Annotated[timedelta, PlainValidator(positive_duration)]
File = Annotated[Path, PlainValidator(path)]
Secret = Annotated[SecretStr, PlainValidator(secret)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Store(_Section):
    """`[store]`: where everything is kept."""

    url: Annotated[str, PlainValidator(store_url)] = "sqlite:///var/safetyd.db"
    password: Secret | None = None
    password_file: File | None = None
    commit_every: Duration = timedelta(seconds=1)
    keep_raw: Kept | None = None
    keep_rollups: Kept | None = None

    @property
    def path(self) -> Path | None:
        """The database's file; None where it is in a server."""
        return None if is_served(self.url) else Path(self.place)

    @property
    def place(self) -> str:
        """How it is called in a sentence."""
        return place_of(self.url)


class Ups(_Section):
    """`[ups]`: a UPS on this machine, asked through NUT's upsd; a witness of one building's mains."""

    name: Annotated[str, PlainValidator(ups_name)]
    building: Text
    host: Annotated[str, PlainValidator(host_name)] = "127.0.0.1"
    port: Annotated[int, PlainValidator(whole_or_word(1, 65535))] = 3493
    every: SomeTime = timedelta(seconds=1)


class Settings(BaseSettings):
    """Everything in `safetyd.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    site: Annotated[tuple[str, ...], PlainValidator(paths)]
    mqtt: Mqtt = Field(default_factory=Mqtt)
    store: Store = Field(default_factory=Store)
    web: Web = Field(default_factory=Web)
    oidc: Oidc | None = None
    influx: Influx | None = None
    heartbeat: Heartbeat | None = None
    last_resort: LastResort | None = None
    ups: Ups | None = None
    webhook: tuple[Webhook, ...] = ()
    centre: Centre = Field(default_factory=Centre)
    gateways: tuple[Gateway, ...] = ()
    audit: Audit = Field(default_factory=Audit)
    district: District | None = None
    log: Log = Field(default_factory=Log)
    doctor: Doctor = Field(default_factory=Doctor)


_SECTIONS: dict[str, type[BaseModel]] = {
    "mqtt": Mqtt,
    "store": Store,
    "web": Web,
    "oidc": Oidc,
    "influx": Influx,
    "heartbeat": Heartbeat,
    "last_resort": LastResort,
    "ups": Ups,
    "audit": Audit,
    "centre": Centre,
    "district": District,
    "log": Log,
    "doctor": Doctor,
}
_KEYS = [("site",), *((section, key) for section, kind in _SECTIONS.items() for key in kind.model_fields)]
_ARRAYS = ("webhook", "gateways")  # read by themselves
_VARIABLES = {PREFIX + "__".join(key).upper(): key for key in _KEYS}


def read_settings(
    file: Path, environ: Mapping[str, str], faults: list[Fault]
) -> tuple[Settings | None, tuple[str, ...]]:
    """Return the settings, and the paths of the site files even when the settings are at fault.

    Every fault is noted; with any, the settings are None or not to be used.
    """
    before = len(faults)
    variables = _variables(environ, faults)
    content = read_toml(file, faults)
    readable = content is not None
    hooks = read_hooks(content or {}, file, environ, faults)
    gateways = read_gateways(content or {}, file, faults)
    content = _sections({k: v for k, v in (content or {}).items() if k not in _ARRAYS}, file, faults)
    from_environment = EnvSettingsSource(Settings)
    from_environment.env_vars = {name.lower(): environ[given] for name, given in variables.items()}

    def note(key: Key, value: str, expected: str) -> None:
        variable = variables.get(PREFIX + "__".join(key).upper())
        where = (ENVIRONMENT, variable) if variable else (str(file), dotted(key))
        faults.append(Fault(*where, value, expected))

    settings, wrong = _built(from_environment, InitSettingsSource(Settings, content))  # the first wins
    for key, value, expected in wrong:
        if readable or key != ("site",):
            note(key, value, expected)
    together = _merged(content, from_environment())
    if settings is None:
        faulty = [
            key[:1] if key[0] == "last_resort" else key for key, *_ in wrong
        ]  # its keys need each other
        settings = _built(InitSettingsSource(Settings, _without(together, faulty)))[0]
    if settings is not None:
        where = partial(located, file.parent, environ=environ)
        settings = _completed(settings, file.parent, where, note).model_copy(
            update={"webhook": hooks, "gateways": gateways}
        )
    return settings if len(faults) == before else None, _site(together.get("site"))


def _built(*sources: PydanticBaseSettingsSource) -> tuple[Settings | None, list[tuple[Key, str, str]]]:
    """Return the settings, or what is wrong with them."""
    given: dict[str, Any] = {"_build_sources": (sources, {})}
    try:
        return Settings(**given), []
    except ValidationError as error:
        return None, _explained(error)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {**under, **over}
    for section in under.keys() & over.keys() & _SECTIONS.keys():
        both[section] = {**under[section], **over[section]}
    return both


def _without(content: Mapping[str, Any], wrong: Iterable[Key]) -> dict[str, Any]:
    """Return the content less its faulty keys, so that the rest can be looked at together."""
    kept = {name: dict(each) if isinstance(each, dict) else each for name, each in content.items()}
    for section, *name in wrong:
        if name and name[0] in kept.get(section, {}):
            del kept[section][name[0]]
        else:
            kept.pop(section, None)
    return {"site": "none", **kept}


def _site(given: object) -> tuple[str, ...]:
    try:
        return paths(given)
    except Misfit:
        return ()


def _variables(environ: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """Return the variables that are keys, in capitals, with the name each was given under."""
    found = {}
    for given, value in environ.items():
        name = given.upper()
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name in _VARIABLES:
            if value:
                found[name] = given
            continue
        hint = did_you_mean(name, [*_VARIABLES, CONFIG_VARIABLE])
        expected = f"{PREFIX}SECTION__KEY for a key of safetyd.toml{hint}"
        faults.append(Fault(ENVIRONMENT, dotted([given]), "no setting has this name", expected))
    return found


def _sections(content: Mapping[str, object], file: Path, faults: list[Fault]) -> dict[str, Any]:
    """Return the content without what cannot be merged with the environment or may not stand in a file."""
    kept: dict[str, Any] = {}
    for name, section in content.items():
        if name in _SECTIONS and not isinstance(section, dict):
            faults.append(Fault(str(file), name, f"{shown(section)} is not a table", f"a table: [{name}]"))
        else:
            kept[name] = dict(section) if isinstance(section, dict) else section
    for section, key in _FROM_ENVIRONMENT_ONLY:
        if key in kept.get(section, ()):
            del kept[section][key]
            variable = f"{PREFIX}{section}__{key}".upper()
            mend = f"{key}_file, or {variable} in the environment"
            faults.append(Fault(str(file), f"{section}.{key}", "a secret does not stand in this file", mend))
    return kept


def _explained(error: ValidationError) -> list[tuple[Key, str, str]]:
    """Return each of pydantic's findings as key, what stands there, what was expected."""
    told = []
    for each in error.errors(include_url=False, include_input=False):
        key = tuple(map(str, each["loc"]))
        misfit = each.get("ctx", {}).get("error")
        if isinstance(misfit, Misfit):
            told.append((key, misfit.value, misfit.expected))
        elif each["type"] == "extra_forbidden":
            known = _SECTIONS[key[0]].model_fields if len(key) > 1 else Settings.model_fields
            told.append((key, "nobody knows this key", one_of(known) + did_you_mean(key[-1], known)))
        elif each["type"] == "missing":
            expected = 'paths of site files, such as ["site.toml"]' if key == ("site",) else "a value"
            told.append((key, "nothing stands here", expected))
        else:
            told.append((key, "what stands here does not fit", "another kind of value"))
    return told


def _completed(settings: Settings, folder: Path, where: Where, note: Note) -> Settings:
    """Return the settings with absolute paths and the secrets read; what is at odds is noted."""
    mqtt = completed_mqtt(settings.mqtt, where, note)
    web = with_files(settings.web, "web", where, note)
    for key, value, expected in web_at_odds(web):
        note(("web", key), value, expected)
    changed: dict[str, BaseModel] = {"mqtt": mqtt, "web": web, "doctor": settings.doctor.at(folder)}
    changed["audit"] = completed(settings.audit, folder, where, note)
    for key, value, expected in centre_at_odds(settings.centre):
        note(("centre", key), value, expected)
    if settings.oidc:
        oidc = with_secret(with_files(settings.oidc, "oidc", where, note), "oidc", "client_secret", note)
        changed["oidc"] = oidc
        for key, value, expected in oidc_at_odds(oidc, settings.web):
            note(("oidc", key), value, expected)
    if settings.influx:
        influx = with_files(settings.influx, "influx", where, note)
        influx = with_secret(influx, "influx", "token", note)
        changed["influx"] = influx = with_secret(influx, "influx", "password", note)
        for key, value, expected in influx_at_odds(influx):
            note(("influx", key), value, expected)
    if settings.last_resort:
        for key, value, expected in at_odds(settings.last_resort):
            note(("last_resort", key), value, expected)
        last = with_files(settings.last_resort, "last_resort", where, note)
        changed["last_resort"] = with_secret(last, "last_resort", "smtp_password", note)
    store = with_secret(with_files(settings.store, "store", where, note), "store", "password", note)
    if store.password and not is_served(store.url):
        note(("store", "password_file"), "a file of SQLite's knows no password", "no password, or PostgreSQL")
    url = completed_url(store.url, folder, store.password_file)
    changed["store"] = store.model_copy(update={"url": url})
    return settings.model_copy(update=changed)
