"""People with pages open: asks for them at a steady rate, or as fast as they are answered.

Rule: run as a program of its own, so that nothing delays what it sees. It reads what to do as a line of JSON,
and prints what came of it as another: how long each page took, from the moment at which it was due to be
asked for to its last byte.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

_CONNECTIONS = 6  # as many as a browser opens


class Browser:
    """Connections that stay open, by turns."""

    def __init__(self, port: int, cookie: str) -> None:
        self._head = f"Host: 127.0.0.1:{port}\r\nCookie: safetyd={cookie}\r\nAccept: text/html\r\n\r\n"
        self._port = port
        self._idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = (
            asyncio.LifoQueue()
        )
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(None)

    async def get(self, path: str) -> int:
        """Return how long a page is."""
        held = await self._idle.get()
        if held is None or held[0].at_eof():  # it is closed when nobody asks for a while
            held = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        reader, writer = held
        writer.write(f"GET {path} HTTP/1.1\r\n{self._head}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"{path}: {head[:200]!r}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self._idle.put_nowait((reader, writer))
        return length


async def steadily(browser: Browser, paths: Sequence[str], rate: float, seconds: float) -> list[Any]:
    """Ask at a rate, whether or not the pages before have come; return each page and its time in ms."""
    found: list[Any] = []

    async def one(path: str, due_at: float) -> None:
        await browser.get(path)
        found.append((path, (time.monotonic() - due_at) * 1000))

    began, asked = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due_at = began + (number + random.random()) / rate
        await asyncio.sleep(max(0.0, due_at - time.monotonic()))
        asked.append(asyncio.create_task(one(random.choice(paths), due_at)))
    await asyncio.gather(*asked)
    return found


async def tirelessly(browser: Browser, paths: Sequence[str], seconds: float) -> list[Any]:
    """Ask on each connection for the next page as soon as the last has come."""
    found: list[Any] = []
    end_at = time.monotonic() + seconds

    async def on_and_on() -> None:
        while (began := time.monotonic()) < end_at:
            path = random.choice(paths)
            await browser.get(path)
            found.append((path, (time.monotonic() - began) * 1000))

    await asyncio.gather(*(on_and_on() for _ in range(_CONNECTIONS)))
    return found


async def main() -> None:
    """Do what each line says until there are no more."""
    port, cookie = int(sys.argv[1]), sys.argv[2]
    browser = Browser(port, cookie)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        said = json.loads(line)
        if rate := said["rate"]:
            found = await steadily(browser, said["paths"], rate, said["seconds"])
        else:
            found = await tirelessly(browser, said["paths"], said["seconds"])
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
