"""Takes what is copied to InfluxDB by the v2 endpoint: hands it to an influxd, or only says that it has it.

Rule: run as a program of its own; it prints its port, and for each write the monotonic moment and its lines.
"""

import asyncio
import gzip
import sys
import time

_HAS_IT = b"HTTP/1.1 204 No Content\r\n\r\n"


async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the writes of one connection."""
    try:
        while True:
            length = _length(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(length)
            if len(sys.argv) > 1:
                await _hand_on(body)
            writer.write(_HAS_IT)
            await writer.drain()
            print(time.monotonic(), gzip.decompress(body).count(b"\n") + 1, flush=True)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(each.split(b":")[1]) for each in lines if each.startswith(b"content-length")), 0)


async def _hand_on(body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    head = "POST /write?db=bench&precision=n HTTP/1.1\r\nHost: influxd\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    if b" 204 " not in answer[:20]:
        raise RuntimeError(answer.decode())


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(taken, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
