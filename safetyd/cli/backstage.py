"""What stands behind the demo: the files a person would write, a visitor who may log in, a log out of sight.

Rule: whatever is changed for it in this process is put back when it is left.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from safetyd.configuration import Loaded, load
from safetyd.core.model import Role
from safetyd.simulate.broker import LOOPBACK, Broker
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from safetyd.store.sessions import Link

VISITOR = "Demo visitor"


def let_in(loaded: Loaded, now: datetime) -> str:
    """Let whoever looks at the demo log in, and return the link that does it."""
    with closing(open_for_writing(loaded.settings.store.url)) as connection:
        accounts.add(connection, VISITOR, Role.DISTRICT, (), "", now)
        number = accounts.named(connection, VISITOR).number
        key = sessions.new_link(connection, Link.ENTER, number, now, timedelta(days=365))
    return f"{loaded.settings.web.address}/enter?key={key}"


def configured(folder: Path, broker: Broker, name: str, site: str, listen: str) -> Loaded:
    """Write the files that a person would write, and read them as a daemon of this name does."""
    lines = [
        f'site = ["{name}-site.toml"]',
        "[mqtt]",
        f'client_id = "{name}"',
        f'host = "{broker.host}"',
        f"port = {broker.port}",
        f"protocol = {broker.protocol}",
    ]
    if broker.username is not None:
        lines += [f'username = "{broker.username}"', 'password_file = "mqtt.password"']
        file = folder / "mqtt.password"
        file.touch(mode=0o600)
        file.write_text(broker.password or "", encoding="utf-8")
    lines += ["[store]", f'url = "sqlite:///{name}.db"', "[web]", f"listen = {listen}"]
    (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / f"{name}-site.toml").write_text(site, encoding="utf-8")
    return load(folder / f"{name}.toml", {})


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Keep what would be logged out of the picture."""
    handler, root = logging.FileHandler(file, encoding="utf-8"), logging.getLogger()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


@contextmanager
def no_proxy() -> Iterator[None]:
    """Let apprise reach our own sink directly, whatever proxy this machine has for the world."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    for name, others in before.items():
        os.environ[name] = f"{others},{LOOPBACK}" if others else LOOPBACK
    try:
        yield
    finally:
        for name, others in before.items():
            if others is None:
                del os.environ[name]
            else:
                os.environ[name] = others
