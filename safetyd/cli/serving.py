"""`run`, `check` and `notify test`: the daemon in the foreground, and what to know before it runs."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import SecretStr

from safetyd.cli.application import Config, app
from safetyd.cli.keeping import require_whole
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.faults import ConfigurationError, Fault
from safetyd.sharding import refuse_alone, shards_of

log = logging.getLogger("safetyd")
notify = typer.Typer(
    help="About the messages that safetyd sends.\n\nExample: safetyd notify test", no_args_is_help=True
)
app.add_typer(notify, name="notify")


class AlreadyRunningError(SafetydError):
    """Another process holds the store."""


class Role(StrEnum):
    """What a process is to the others: one that does everything, or of a district one of several that share
    the watch, or one that shows it."""

    ALONE = "alone"
    WORKER = "worker"
    PAGES = "pages"


@app.command("run")
def run_command(
    config: Config = None,
    role: Annotated[
        Role,
        typer.Option(
            help="worker: one of several, on several machines, that share a district; pages: what shows it."
        ),
    ] = Role.ALONE,
) -> None:
    """The daemon, in the foreground. SIGTERM or Ctrl-C ends it cleanly, SIGHUP takes the site file anew.

    Example: safetyd run --config config/safetyd.toml
    """
    configuration = loaded(config)
    if configuration.site.is_watch:
        refuse("they are watched from afar, by a gateway of theirs", "rooms to watch here, or safetyd watch")
    if role is not Role.ALONE:
        _take_part(role, configuration, config)
    refuse_alone(configuration)
    serve(configuration, config)


def _take_part(role: Role, configuration: Loaded, config: str | None) -> NoReturn:
    """Be one of the processes of a district until told to end, and end this process with it."""
    from safetyd.machine import ticks
    from safetyd.showing import Showing
    from safetyd.worker import Worker

    if configuration.site.part is not None:
        value, expected = f"--role {role} is for all shards, and not for one that it is told", "nothing here"
        raise ConfigurationError([Fault("safetyd.toml", "district.shard", value, expected)])

    def again() -> Loaded:
        return loaded(config)

    is_worker = role is Role.WORKER
    part = Worker(configuration, now, ticks, again) if is_worker else Showing(configuration, now, again)
    _log(configuration)
    part.run()
    _leave()


def refuse(value: str, expected: str) -> NoReturn:
    """Say that the buildings of the site files are for another command.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError([Fault("site files", "buildings", value, expected)])


def serve(configuration: Loaded, config: str | None) -> None:
    """Run the daemon until it is told to end, and end this process with it."""
    _log(configuration)
    _run(configuration, config)
    _leave()


def _log(configuration: Loaded) -> None:
    from safetyd import logs
    from safetyd.unspoken import unspoken

    told = configuration.settings.log
    logs.begin(sys.stderr, told.level, told.format, unspoken(configuration), os.environ)


def _leave() -> NoReturn:
    # What is owed is on record. A sender whose server hangs would hold this process for as long as it likes.
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)


def _run(configuration: Loaded, config: str | None) -> None:
    from safetyd.daemon import Daemon
    from safetyd.machine import ticks
    from safetyd.store.database import writer_lock

    settings = configuration.settings
    if configuration.copy_of is not None:
        raise AlreadyRunningError(f"this is the copy of {configuration.copy_of}, which runs elsewhere")
    with writer_lock(settings.store.url) as is_ours:
        if not is_ours:
            raise AlreadyRunningError(f"store {settings.store.place}: another safetyd is running on it")
        require_whole(settings.store.path, config)
        with ExitStack() as stack:
            if settings.mqtt.embedded:
                configuration = stack.enter_context(_with_broker(configuration))
            try:
                daemon = Daemon(configuration, now, ticks=ticks)
            except Exception:
                require_whole(settings.store.path, config, thorough=True)
                raise
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: daemon.stop())
            signal.signal(signal.SIGHUP, lambda *_: daemon.reload(lambda: loaded(config)))
            daemon.run()


@contextmanager
def _with_broker(configuration: Loaded) -> Iterator[Loaded]:
    """Yield the configuration with a broker of our own running where it says."""
    from safetyd.simulate.broker import embedded_broker

    settings = configuration.settings
    beside = Path() if settings.store.path is None else settings.store.path.parent
    with embedded_broker(settings.mqtt.port, folder=beside) as broker:
        log.info("broker: %s on %s:%s", broker.kind, broker.host, broker.port)
        reached = {"host": broker.host, "port": broker.port, "protocol": broker.protocol}
        if broker.username is not None:
            reached |= {"username": broker.username, "password": SecretStr(broker.password or "")}
        mqtt = settings.mqtt.model_copy(update=reached)
        yield replace(configuration, settings=settings.model_copy(update={"mqtt": mqtt}))


@app.command("check")
def check_command(config: Config = None) -> int:
    """Read the configuration and say what it means in words, or every fault.

    Example: safetyd check --config config/safetyd.toml
    """
    from safetyd.district_words import district_words
    from safetyd.ingest.topics import routes
    from safetyd.site_words import site_words

    configuration = loaded(config)
    if configuration.settings.district is not None and configuration.site.part is None:
        shards_of(configuration.settings)
    routes(configuration.site)  # what a format needs to be read must be installed
    for line in site_words(configuration):
        print(line)
    for line in (*_assigned_words(configuration), *district_words(configuration)):
        print(line)
    return 0


def _assigned_words(configuration: Loaded) -> Iterator[str]:
    """What people assigned beside the site file, and what of that does not go with it."""
    from safetyd.assigned import composed
    from safetyd.store.database import StoreError, open_for_reading

    settings = configuration.settings
    try:
        with open_for_reading(settings.store.url) as connection:
            found = composed(connection, configuration.site, settings.mqtt.root)
    except StoreError:
        return
    for building in found.site.buildings:
        for line in (each.assigned for each in building.sensors):
            if line is not None:
                yield f"{line.topic} is of {line.place}, assigned by {line.by} ({line.role})"
    for resting in found.resting:
        yield f"Warning: {resting.sentence}"


@notify.command("test")
def notify_test_command(
    person: Annotated[str | None, typer.Option(metavar="NAME", help="Only this person's addresses.")] = None,
    config: Config = None,
) -> int:
    """Send a test notice and print what each address answered.

    Example: safetyd notify test --person "Ann Lee"
    """
    from safetyd.faults import did_you_mean
    from safetyd.notify.forms import Words
    from safetyd.notify.sender import Line
    from safetyd.notify.tongue import Tongue
    from safetyd.store.attempts import Result

    site = loaded(config).site
    people = [each for each in site.people if person is None or each.name == person]
    if not people:
        names = [each.name for each in site.people]
        raise typer.BadParameter(f"nobody is called {person!r}{did_you_mean(str(person), names)}")
    failed = False
    for each in people:
        if not each.notify:
            print(f"{each.name}: has no address")
        for number, url in enumerate(each.notify, 1):
            scheme = url.split("://", 1)[0]
            at = now()
            tongue = Tongue(each.language, site.timezone)
            title = tongue.say("{site}: test", site=site.name)
            text = tongue.say("This is a test. Nothing is wrong.")
            words = Words(title, text, language=each.language)
            answer = Line(url).send(f"test {at.isoformat()} {number}", at, words)
            failed = failed or answer.result is not Result.ACCEPTED
            print(f"{each.name}: address {number} ({scheme}): {answer.words}")
    return 1 if failed else 0
