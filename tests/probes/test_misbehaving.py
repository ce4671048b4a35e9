"""A candidate that misbehaves in every way cannot make a campaign raise or hang; what it did is in the traces."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.campaign import Effort, Progress, Settings, Unreachable, campaign
from streamvet.contract.files import FileError
from streamvet.contract.registry import load_registry
from streamvet.contract.target import target_of
from streamvet.probes import bounds
from streamvet.report.building import ReportBuilder
from streamvet.systems import system_of
from streamvet.trace import Ending, Trace, dump, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

SCALE = 0.01  # a heartbeat every 150 ms: three and the tolerance are over in 0.6 s
OVER_S = 60.0  # far above what any of these takes, far below what a hanging wait would
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
RUNNING = b'event: status\ndata: {"kind":"status","status":"running","at":"2026-01-01T00:00:00Z"}\n\n'


def answer(value: Any, status: int = 200) -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(OVER_S)
    del writer


async def _open(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"%x\r\n%s\r\n" % (len(RUNNING), RUNNING))
    await asyncio.sleep(OVER_S)


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"%x\r\n%s\r\n" % (len(RUNNING), RUNNING))
        await writer.drain()
        await asyncio.sleep(0.02)


async def _garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"40\r\n" + bytes(range(64)) + b"\r\n" + b"nonsense")


async def _not_http(writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)))


async def _gone(writer: asyncio.StreamWriter) -> None:
    del writer


async def _strange_json(writer: asyncio.StreamWriter) -> None:
    writer.write(answer([[1], None, {"status": 7}]))


STREAMS: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {
    "silent": _silent,
    "open": _open,
    "endless": _endless,
    "garbage": _garbage,
    "not HTTP": _not_http,
    "gone": _gone,
    "strange JSON": _strange_json,
}
DESCRIBED = {"control": 1, "profile": "ghostly", "time_scale": SCALE, "can": ["script", "reset"]}


@asynccontextmanager
async def candidate(
    stream: str, others: str = "", *, describes: Any = DESCRIBED, gives: Mapping[str, Sequence[Any]] | None = None
) -> AsyncIterator[str]:
    """A ghostly whose control, login and start work, and whose streams (or all that is left) do not.

    What it `gives` as script, token and id changes from one answer to the next.
    """
    usual = {"script": ["s"], "token": ["aaaaaaaa.bbbbbbbb.cccccccc"], "id": ["run_1"]}
    given = {name: itertools.cycle(values) for name, values in {**usual, **(gives or {})}.items()}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            path = head.split(b" ")[1].decode().partition("?")[0]
            if path == "/_conformance":
                kind = json.loads(body)["do"]
                told = describes if kind == "describe" else {"script": next(given["script"])}
                writer.write(answer(told, 201 if kind == "script" else 200))
            elif path.endswith("/login") and others != "login too":
                writer.write(answer({"ok": True, "token": next(given["token"])}))
            elif path.endswith("/stream") or (others and path != "/"):
                await STREAMS[stream](writer)
            else:
                run = {"id": next(given["id"]), "status": "running"}
                writer.write(answer(run, 202 if path.endswith("/run") else 200))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def target_for(url: str, *, without: str = "", **more: Any) -> Any:
    credentials = {"email": "a@example.org", "password": "longenough"}
    raw = {"profile": "ghostly", "base_url": url, "control": "/_conformance", "time_scale": SCALE}
    raw |= {"credentials": credentials, "other_credentials": credentials, "max_concurrency": 100}
    given = {key: value for key, value in (raw | more).items() if key != without}
    return target_of(given, Path("target.yaml"))


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that are as short as a test wants them."""
    monkeypatch.setattr(bounds, "_ANSWER_S", {True: 0.2, False: 0.2})
    monkeypatch.setattr(bounds, "patience_s", lambda _bound_ms: 0.2)
    monkeypatch.setattr(bounds, "never_s", lambda _bound_ms: 0.2)
    monkeypatch.setattr(bounds, "_LEAST_WORK_S", 0.5)


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("others", ["", "everything", "login too"])
@pytest.mark.parametrize("stream", STREAMS)
def test_no_campaign_hangs_or_raises(stream: str, others: str) -> None:
    traces: list[Trace] = []
    progress: list[Progress] = []

    async def scenario() -> Any:
        async with candidate(stream, others) as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url)
            settings = Settings(effort=Effort(races=4, churns=4, joins=2))
            return await campaign(target, profile, settings, traces.append, progress.append)

    summary = asyncio.run(scenario())
    assert summary.errors == []
    assert summary.tries == len(traces) > 20
    assert progress[-1].done == progress[-1].total == summary.tries
    assert progress[-1].running == ()
    for trace in traces:
        lines = list(dump(trace))
        assert list(dump(load(lines, ""))) == lines
        assert "longenough" not in "".join(lines)
        assert all(isinstance(exchange.ending, Ending) for exchange in trace.exchanges)


# What a candidate may give where it gives a text that goes into later requests.
TEXTS = [
    "a\ud800b", "x" * 100_000, "%" * 30_000, "a\r\nb: c", "\0", "..", "a/b?c#d", "🚀" * 1000, "{run}", " ", "", 5,
    -1e300, [1], {"a": 1}, True, None,
]  # fmt: skip


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize(
    ("gives", "reasons"),
    [
        ({"id": TEXTS}, {"attach cannot be sent: URL too", "attach cannot be sent: a text with half a UTF-16 pair"}),
        ({"token": ["a\r\nb"]}, {"start:run cannot be sent: a header field would have forbidden characters"}),
        ({"token": ["\ud800"]}, {"start:run cannot be sent: a text with half a UTF-16 pair"}),
        ({"script": TEXTS}, {"the control interface does not take a script: /script in its answer: expected "}),
    ],
    ids=["run ids", "a token of two lines", "a token with half a pair", "script ids"],
)  # fmt: skip
def test_what_a_candidate_gives_is_a_reason_and_no_error_of_ours(
    gives: dict[str, list[Any]], reasons: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bounds, "_ANSWER_S", {True: 5.0, False: 5.0}
    )  # what it gives must arrive on a busy machine, too
    traces: list[Trace] = []

    async def scenario() -> Any:
        async with candidate("gone", gives=gives) as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url)
            settings = Settings(effort=Effort(races=4, churns=4, joins=2))
            summary = await campaign(target, profile, settings, traces.append)
            return summary, profile

    summary, profile = asyncio.run(scenario())
    assert summary.errors == []
    builder = ReportBuilder(profile, load_registry(profile), system_of(profile).checks)
    for number, trace in enumerate(traces):
        (tmp_path / str(number)).write_text("".join(dump(trace)), encoding="utf-8")  # whatever was given
        builder.add(dataclasses.replace(trace, name=str(number)))
    assert builder.judge.errors == []
    unsent = {
        (str(number), x.id): x.about["hindrance"]
        for number, trace in enumerate(traces)
        for x in trace.exchanges
        if "hindrance" in x.about
    }
    assert all(any(text.startswith(reason) for text in unsent.values()) for reason in reasons)
    found = {
        (one.trace, one.exchange): f"{row.requirement.id}: {one.seen}"
        for row in builder.judge.rulings()
        for one in (*row.findings, *row.explained)
    }
    assert [found[place] for place, text in unsent.items() if "cannot be sent" in text and place in found] == []


CONTROLS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "another time scale": ({"time_scale": 0.5}, FileError, "/time_scale: expected 0.01, from the candidate's"),
    "what is no list": (
        {"describes": DESCRIBED | {"can": 5}},
        FileError,
        "/control: expected a control interface that answers describe, got /can in its answer: expected array, got 5",
    ),
    "what is not in the interface": ({"describes": DESCRIBED | {"can": ["fly"]}}, FileError, "got 'fly'"),
    "a long text": ({"describes": DESCRIBED | {"profile": "x" * 100_000}}, FileError, "xxx…, from the candidate's"),
    "no control": ({"control": "/nothing"}, FileError, "/control: expected a control interface"),
    "nobody there": (
        {"base_url": "http://127.0.0.1:9"},
        Unreachable,
        "not up within 0.3 s: the connection was refused",
    ),
    "a process that ends": ({"launch": {"command": ["false"]}}, Unreachable, "it exited with 1"),
    "no such command": ({"launch": {"command": ["/no/such/command"]}}, FileError, "/launch/command: expected"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_what_cannot_begin(name: str) -> None:
    given, error, text = CONTROLS[name]
    more = dict(given)

    async def scenario() -> None:
        describes = more.pop("describes", DESCRIBED)
        async with candidate("open", describes=describes) as url, asyncio.timeout(OVER_S):
            # Port 9 is discard: nobody answers there, so nobody is in the way of what is launched.
            target, profile = target_for("http://127.0.0.1:9" if "launch" in more else url, **more)
            await campaign(target, profile, Settings(wait_s=0.3), lambda _trace: None)

    with pytest.raises(error, match=r".") as raised:
        asyncio.run(scenario())
    assert text in str(raised.value)


@pytest.mark.usefixtures("_short")
def test_an_interrupted_campaign_has_handed_out_what_was_finished() -> None:
    traces: list[Trace] = []

    async def scenario() -> None:
        async with candidate("gone") as url:
            target, profile = target_for(url)
            running = asyncio.create_task(campaign(target, profile, Settings(), traces.append))
            while not traces and not running.done():  # noqa: ASYNC110 - on_trace is not asynchronous
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert running.cancelled()

    asyncio.run(scenario())
    assert traces
