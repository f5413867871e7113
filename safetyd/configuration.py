"""Where the configuration is, and all of it read at once.

Rule: either everything is right, or everything that is wrong is told together and nothing is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetyd.faults import ConfigurationError, Fault, did_you_mean, one_of, shown
from safetyd.setting_hooks import Webhook
from safetyd.setting_web import WATCH_LISTENS
from safetyd.settings import CONFIG_VARIABLE, ENVIRONMENT, Settings, read_settings
from safetyd.site import Site, read_site
from safetyd.tables import files_meant

PLACES = (Path("config/safetyd.toml"), Path("/etc/safetyd/safetyd.toml"))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration."""

    settings: Settings
    site: Site


def find_config(explicit: str | None, environ: Mapping[str, str], places: Sequence[Path] = PLACES) -> Path:
    """Return the path of safetyd.toml: the one asked for, else the environment's, else the first there is.

    Raises:
        ConfigurationError: it is not where it was said to be, or nowhere.
    """
    for where, key, told in (
        ("command line", "--config", explicit),
        (ENVIRONMENT, CONFIG_VARIABLE, environ.get(CONFIG_VARIABLE)),
    ):
        if told:
            if Path(told).is_file():
                return Path(told)
            raise ConfigurationError(
                [Fault(where, key, f"no file is at {told!r}", "the path of safetyd.toml")]
            )
    for place in places:
        if place.is_file():
            return place
    looked = " nor at ".join(map(str, places))
    expected = f"one there, or its path in --config or {CONFIG_VARIABLE}"
    raise ConfigurationError([Fault("safetyd.toml", "the file", f"it is not at {looked}", expected)])


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Return the configuration that this safetyd.toml, the environment and the site files give together.

    Raises:
        ConfigurationError: with every fault in all of them.
    """
    faults: list[Fault] = []
    settings, patterns = read_settings(path, environ, faults)
    files = _site_files(path, patterns, faults)
    site = read_site(files, environ, faults)
    if settings is not None and site is not None and settings.ups is not None:
        _check_ups(path, settings.ups.building, site, faults)
    if settings is not None and site is not None:
        _check_hooks(path, settings.webhook, site, faults)
    if settings is not None and site is not None and site.is_watch and settings.mqtt.announce:
        value = "the buildings of this site are watched from afar"
        faults.append(Fault(str(path), "mqtt.announce", value, "false: their own safetyds announce them"))
    if faults or settings is None or site is None:
        raise ConfigurationError(faults)
    if site.is_watch and "listen" not in settings.web.model_fields_set:
        web = settings.web.model_copy(update={"listen": WATCH_LISTENS})
        settings = settings.model_copy(update={"web": web})
    return Loaded(settings, site)


def _site_files(path: Path, patterns: Sequence[str], faults: list[Fault]) -> list[Path]:
    expected = "paths or globs, relative to this file"
    return files_meant(
        path.parent, patterns, lambda value: faults.append(Fault(str(path), "site", value, expected))
    )


def _check_hooks(path: Path, hooks: Sequence[Webhook], site: Site, faults: list[Fault]) -> None:
    ids = [each.id for each in site.buildings]
    for number, hook in enumerate(hooks):
        for id in hook.buildings:
            if id not in ids:
                expected = (one_of(ids) if ids else "a [[buildings]] in a site file") + did_you_mean(id, ids)
                key, value = f"webhook[{number}].buildings", f"no building is called {shown(id)}"
                faults.append(Fault(str(path), key, value, expected))


def _check_ups(path: Path, building: str, site: Site, faults: list[Fault]) -> None:
    if site.building(building) is None:
        ids = [each.id for each in site.buildings]
        expected = (one_of(ids) if ids else "a [[buildings]] in a site file") + did_you_mean(building, ids)
        faults.append(Fault(str(path), "ups.building", f"no building is called {shown(building)}", expected))
