"""Where the configuration is, and all of it read at once.

Rule: either everything is right, or everything that is wrong is told together and nothing is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from safetyd.faults import ConfigurationError, Fault, did_you_mean, one_of, shown
from safetyd.setting_centre import Centre
from safetyd.setting_hooks import Webhook
from safetyd.setting_web import WATCH_LISTENS
from safetyd.settings import CONFIG_VARIABLE, ENVIRONMENT, Settings, Store, read_settings
from safetyd.site import Site, read_site
from safetyd.tables import files_meant

PLACES = (Path("config/safetyd.toml"), Path("/etc/safetyd/safetyd.toml"))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration; `sites` are what the files of a centre's gateways say, by the gateway's name.

    `copy_of` is the gateway whose copy is looked at, where it is one.
    """

    settings: Settings
    site: Site
    sites: Mapping[str, Site] = field(default_factory=dict)
    copy_of: str | None = None

    def at(self, gateway: str) -> "Loaded":
        """Return what to look at the copy of a gateway's record with.

        Raises:
            ConfigurationError: it is none of ours, or its site files are not named.
        """
        found = {each.name: each for each in self.settings.gateways}
        if gateway not in found:
            expected = one_of(found) if found else "a [[gateways]] in safetyd.toml"
            value = f"no gateway is called {shown(gateway)}"
            fault = Fault("command line", "--gateway", value, expected + did_you_mean(gateway, found))
            raise ConfigurationError([fault])
        if gateway not in self.sites:
            value = f"the site files of {gateway} are not named"
            expected = 'site = ["…"] in its [[gateways]], as that gateway has them'
            raise ConfigurationError([Fault("safetyd.toml", "gateways", value, expected)])
        store = Store(url=found[gateway].url)
        only = {"store": store, "gateways": (), "centre": Centre(), "influx": None, "webhook": ()}
        return Loaded(self.settings.model_copy(update=only), self.sites[gateway], copy_of=gateway)


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
    sites = _sites(settings, environ, faults)
    _check_sites(path, sites, faults)
    if settings is not None and site is not None and settings.ups is not None:
        _check_ups(path, settings.ups.building, site, faults)
    if settings is not None and site is not None:
        _check_hooks(path, settings.webhook, site, faults)
    if settings is not None and site is not None and settings.gateways and not site.is_watch:
        value, expected = (
            "no building of this site is watched from afar",
            "gateway = … in each, for safetyd watch",
        )
        faults.append(Fault(str(path), "gateways", value, expected))
    if settings is not None and site is not None and site.is_watch and settings.mqtt.announce:
        value = "the buildings of this site are watched from afar"
        faults.append(Fault(str(path), "mqtt.announce", value, "false: their own safetyds announce them"))
    if faults or settings is None or site is None:
        raise ConfigurationError(faults)
    if site.is_watch and "listen" not in settings.web.model_fields_set:
        web = settings.web.model_copy(update={"listen": WATCH_LISTENS})
        settings = settings.model_copy(update={"web": web})
    return Loaded(settings, site, sites)


def _sites(settings: Settings | None, environ: Mapping[str, str], faults: list[Fault]) -> dict[str, Site]:
    """Return what the site files of a centre's gateways say."""
    read = {
        each.name: read_site(list(each.site), environ, faults)
        for each in (settings.gateways if settings else ())
        if each.site
    }
    return {name: site for name, site in read.items() if site is not None}


def _check_sites(path: Path, sites: Mapping[str, Site], faults: list[Fault]) -> None:
    """A building has one gateway: two copies of it would each tell another half."""
    known: dict[str, str] = {}
    for name, site in sites.items():
        for id in (each.id for each in site.buildings):
            if (other := known.setdefault(id, name)) != name:
                value = f"{shown(id)} is a building of {shown(other)} and of {shown(name)}"
                faults.append(Fault(str(path), "gateways", value, "each building with one gateway"))


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
