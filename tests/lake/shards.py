"""A story's district in shards of a real PostgreSQL: each keeps what its worker would have heard."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.core.shards import shard_of
from safetyd.replay import Line, read_recording, replay
from safetyd.site_part import cut
from safetyd.store.database import open_for_writing
from safetyd.store.district import District, schema_of, store_url
from tests.postgres import Postgres
from tests.story import Story, instant

SHARDS = 4  # maple is in 2, cedar in 1, and nothing in the others


def shared(story: Story, one: Path, server: Postgres, until: str) -> Path:
    """Return the configuration of a district beside that of the one store that keeps the same story."""
    address = empty(server)
    config = one.with_name("district.toml")
    district = f'[store]\nurl = "{address}"\n[district]\nshards = {SHARDS}\n'
    config.write_text(f'site = ["site.toml"]\n{district}', encoding="utf-8")
    District(address).prepare(SHARDS)
    site = load(config, {}).site
    texts = [json.dumps(each) for each in sorted(story.lines, key=lambda each: str(each["at"]))]
    lines = list(read_recording(texts, "the story"))
    for shard in range(SHARDS):
        own = [each for each in lines if shard_of(_building(each), SHARDS) == shard]
        with closing(open_for_writing(store_url(address, shard))) as store:
            replay(own, cut(site, shard, SHARDS), until=instant(until), store=store)
        with looked_at(shard), redirect_stdout(StringIO()):
            assert main(["history", "rebuild", "--config", str(config)]) == 0
    return config


def empty(server: Postgres) -> str:
    """Return the URL of a district that nobody has begun."""
    with server.connect() as connection:
        for schema in ("safetyd", *map(schema_of, range(SHARDS))):
            connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')  # type: ignore[arg-type]
    return server.url("public").partition("?")[0]


@contextmanager
def looked_at(shard: int) -> Iterator[None]:
    """Ask for one shard."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("SAFETYD_DISTRICT__SHARD", str(shard))
        yield


def _building(line: Line) -> str:
    if line.message is not None:
        return line.message.topic.split("/")[2]
    told = line.command or {}
    return str(told["building"] if "building" in told else told["ticket"].rsplit("-", 2)[0])
