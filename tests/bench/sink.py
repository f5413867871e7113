"""A webhook that answers at once and notes when it was called.

Rule: run as a program of its own, so that no other Python thread delays what it sees; it prints its port, and
for each call the monotonic moment of its first byte, with `paths` under which path it came, and the body.
"""

import asyncio
import sys
import time

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take one call."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        at = time.monotonic()
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        writer.write(_ANSWER)
        await writer.drain()
        path = [head.split(b" ")[1].decode()] if "paths" in sys.argv else []
        print(at, *path, body.decode().replace("\n", " "), flush=True)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(called, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
