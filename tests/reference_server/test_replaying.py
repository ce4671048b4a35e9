"""A recording served again: the same octets, the same end; and what is no recording is said to be none."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiohttp import web

from streamvet_server.__main__ import main
from streamvet_server.recording import Unreadable, recording
from streamvet_server.replaying import replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DEADLINE_S = 20.0
HEADER = {"record": "trace", "format": 2}
BODY = [(1_000, b"event: a\nda"), (60_000, "ta: \u00e9\n\n".encode()[:5]), (61_000, "ta: \u00e9\n\n".encode()[5:])]


def _exchange(name: str, url: str, ending: str, at_us: int = 5_000, status: int | None = 200) -> list[dict[str, Any]]:
    own: dict[str, Any] = {"exchange": name}
    rows: list[dict[str, Any]] = [
        {"record": "exchange", "id": name, "operation": "attach", "role": "reader", "about": {}, "at_us": at_us,
         "request": {"method": "GET", "url": url, "headers": [], "body": None}},
    ]  # fmt: skip
    if status is not None:
        fields = [["Content-Type", "text/event-stream"], ["Transfer-Encoding", "chunked"]]
        rows.append({"record": "head", **own, "at_us": at_us + 500, "status": status, "headers": fields})
        rows += [{"record": "chunk", **own, "at_us": at_us + at, "base64": _base64(octets)} for at, octets in BODY]
    return [*rows, {"record": "end", **own, "at_us": at_us + 70_000, "ending": ending}]


def _base64(octets: bytes) -> str:
    import base64  # noqa: PLC0415 -- the one use

    return base64.b64encode(octets).decode()


def _file(folder: Path, records: list[Any]) -> Path:
    path = folder / "a.trace.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


@contextlib.asynccontextmanager
async def _served(path: Path, scale: float = 0.5) -> AsyncIterator[httpx.AsyncClient]:
    runner = replayed(recording(path), scale)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(base_url=url, timeout=DEADLINE_S) as http:
            yield http
    finally:
        await runner.cleanup()


def test_a_request_gets_what_its_like_was_answered_with(tmp_path: Path) -> None:
    first = _exchange("x1", "http://h/runs/1?token=***", "complete")
    records = [HEADER, *first, *_exchange("x2", "http://h/runs/1?token=***", "complete", status=404)]

    async def main() -> None:
        async with _served(_file(tmp_path, records)) as http:
            loop = asyncio.get_running_loop()
            begin = loop.time()
            answers = [await http.get("/runs/1?token=any") for _ in range(3)]
            assert loop.time() - begin >= 3 * 0.07 * 0.5  # each has the recorded times, halved
            assert [answer.status_code for answer in answers] == [200, 404, 404]
            assert answers[0].content == b"".join(octets for _, octets in BODY)
            assert answers[0].headers["content-type"] == "text/event-stream"
            rows = (await http.get("/_exchanges")).json()
            assert [(row["id"], row["status"], row["path"]) for row in rows] == [
                ("x1", 200, "/_exchanges/x1"), ("x2", 404, "/_exchanges/x2"),
            ]  # fmt: skip
            assert (await http.get("/_exchanges/x1")).content == answers[0].content
            assert (await http.get("/nowhere")).status_code == 404

    asyncio.run(main())


@pytest.mark.parametrize(
    ("ending", "status"), [("truncated", 200), ("malformed", 200), ("reset", 200), ("reset", None)]
)
def test_a_stream_ends_as_it_ended(tmp_path: Path, ending: str, status: int | None) -> None:
    async def main() -> None:
        records = [HEADER, *_exchange("x1", "http://h/s", ending, status=status)]
        async with _served(_file(tmp_path, records), 0.1) as http:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await http.get("/s")

    asyncio.run(main())


def test_a_stream_that_its_reader_left_stays_open(tmp_path: Path) -> None:
    async def main() -> None:
        records = [HEADER, *_exchange("x1", "http://h/s", "cut")]
        async with _served(_file(tmp_path, records), 0.1) as http, http.stream("GET", "/s") as answer:
            got = b""
            octets = answer.aiter_raw()
            while len(got) < sum(len(one) for _, one in BODY):
                got += await anext(octets)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(octets), 0.1)

    asyncio.run(main())


WRONG: dict[str, tuple[list[Any], str]] = {
    "nothing": ([], "expected a trace record of format 2 in line 1, got none"),
    "another format": ([{"record": "trace", "format": 1}], "expected a trace record of format 2 in line 1, got none"),
    "no object": ([HEADER, 1], "expected a JSON object in line 2, got int"),
    "a chunk of nothing": (
        [HEADER, {"record": "chunk", "exchange": "x1", "at_us": 0, "text": ""}],
        "expected a record of a trace in line 2, got KeyError: 'x1'",
    ),
    "no end": (
        [HEADER, *_exchange("x1", "http://h/s", "cut")[:-1]],
        "an end record for each exchange, got none for x1",
    ),
}


@pytest.mark.parametrize(("records", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, records: list[Any], said: str) -> None:
    with pytest.raises(Unreadable) as raised:
        recording(_file(tmp_path, records))
    assert said in str(raised.value)


def test_a_recording_is_served_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(_file(tmp_path, [HEADER]))
    assert main(["--trace", path, "--fault", "crlf-blocks"]) == 2
    assert "--trace: expected nothing beside it that is about systems, got --fault" in capsys.readouterr().err
    assert main(["--trace", str(tmp_path / "none")]) == 2
    assert "expected a trace file, got No such file" in capsys.readouterr().err
