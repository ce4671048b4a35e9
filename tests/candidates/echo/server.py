"""A candidate that says secrets wherever it can: `server.py PORT`, or `server.py dies`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from spellings import SPELLINGS  # type: ignore[import-not-found]  # beside this file

ALL = " ; ".join(SPELLINGS.values())
FIELD = ALL.encode("ascii", "ignore").decode()
TOKENS = [one for one in SPELLINGS.values() if one.isascii() and not set(one) & set(' /+"&\\%=;#')]


def _events() -> bytes:
    """A stream: in data as text, in a name, in an id, an event's type, a comment, an unknown field, and no JSON."""
    rows = []
    for number, one in enumerate(SPELLINGS.values()):
        at = '"at":"2025-11-22T00:00:00.000Z"'
        inner = json.dumps(one, ensure_ascii=False)
        begin = f'{{"kind":"assist","seq":{number},{at},"type":"step_start","stepIndex":0,'
        data = f'{begin}"payload":{{"note":{inner},{inner}:1}}}}'
        rows.append(f"id: {one}\nevent: assist\ndata: {data}\n\n: {one}\n{one}: 1\nevent: {one}\ndata: {one}\n\n")
    return "".join(rows).encode()


def _answer(method: str, path: str, body: bytes) -> list[bytes]:
    """The answer in pieces, one of which ends inside of a secret."""
    fields = "".join(f"X-{index}-{token}: 1\r\n" for index, token in enumerate(TOKENS))
    fields += f"X-All: {FIELD}\r\nLocation: /{FIELD}\r\nSet-Cookie: a={TOKENS[0]}\r\n"
    if b'"do"' in body:
        doing = json.loads(body)["do"]
        can = {"control": 1, "profile": "ghostly", "time_scale": 1.0, "can": [*SPELLINGS.values()]}
        said, status, kind = json.dumps(can if doing == "describe" else {"error": ALL}), 200, "application/json"
    elif path.endswith("stream") or "events" in path:
        said, status, kind = _events().decode(), 200, "text/event-stream"
    elif method == "POST":
        run = {"runId": SPELLINGS["in a path, all of it"], "id": ALL, "status": ALL, ALL: ALL}
        said, status, kind = json.dumps(run, ensure_ascii=False), 202, "application/json"
    else:
        said, status, kind = json.dumps({"error": {"code": ALL, "message": ALL}}), 404, "application/json"
    head = f"HTTP/1.1 {status} {FIELD}\r\nContent-Type: {kind}\r\n{fields}Connection: close\r\n\r\n"
    data = said.encode()
    middle = data.find(SPELLINGS["as it is"].encode()[:4]) + 6
    return [head.encode(), data[:middle], data[middle:]]


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        sizes = [line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(sizes[0])) if sizes else b""
        for piece in _answer(method, path, body):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def _main(port: int) -> None:
    print(ALL, flush=True)  # noqa: T201 - a place too
    print(ALL, file=sys.stderr, flush=True)  # noqa: T201 - as above
    async with await asyncio.start_server(_serve, "127.0.0.1", port, limit=1 << 20) as server:
        await server.serve_forever()


if sys.argv[1] == "dies":
    print(ALL)  # noqa: T201 - as above
    sys.exit(ALL)
asyncio.run(_main(int(sys.argv[1])))
