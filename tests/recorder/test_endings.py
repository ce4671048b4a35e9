"""Every way in which an exchange can end, and that each is told from the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamvet.recorder import CutPlan, Limits, Tape
from streamvet.recorder.limits import LineWatch
from streamvet.trace import Ending

from .servers import (
    LAST_CHUNK,
    SOON_S,
    SSE_HEAD,
    assist,
    chunk,
    get,
    recorded,
    recording,
    request_of,
    sends,
    serving,
)

if TYPE_CHECKING:
    from streamvet.trace import Exchange

LENGTH_3 = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
NO_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"

ENDINGS = {
    "last chunk": ((SSE_HEAD, chunk(b"data: 1\n\n"), LAST_CHUNK), Ending.COMPLETE, b"data: 1\n\n"),
    "content length reached": ((LENGTH_3, b"abc"), Ending.COMPLETE, b"abc"),
    "no content": ((b"HTTP/1.1 204 No Content\r\n\r\n",), Ending.COMPLETE, b""),
    "the end of the connection": ((NO_LENGTH, b"abc"), Ending.CLOSED, b"abc"),
    "HTTP/1.0": ((b"HTTP/1.0 200 OK\r\n\r\nabc",), Ending.CLOSED, b"abc"),
    "no last chunk": ((SSE_HEAD, chunk(b"data: 1\n\n")), Ending.TRUNCATED, b"data: 1\n\n"),
    "inside a chunk": ((SSE_HEAD, b"10\r\nabc"), Ending.TRUNCATED, b"abc"),
    "content length not reached": ((LENGTH_3, b"ab"), Ending.TRUNCATED, b"ab"),
    "no answer": ((), Ending.TRUNCATED, b""),
    "inside the head": ((b"HTTP/1.1 200 OK\r\nContent-",), Ending.TRUNCATED, b""),
    "not HTTP": ((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), Ending.MALFORMED, b""),
    "a chunk size that is none": ((SSE_HEAD, b"zz\r\nabc\r\n"), Ending.MALFORMED, b""),
    "a chunk without its end": ((SSE_HEAD, b"3\r\nabcdef"), Ending.MALFORMED, b"abc"),
    "binary": ((bytes(range(256)) * 8,), Ending.MALFORMED, b""),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_ending_by_the_server(name: str) -> None:
    pieces, ending, body = ENDINGS[name]
    exchange = asyncio.run(recorded(sends(*pieces)))
    assert (exchange.ending, exchange.body) == (ending, body)
    assert exchange.by_server
    assert exchange.clean is (ending in (Ending.COMPLETE, Ending.CLOSED))


WORDS = {
    "no last chunk": "the connection ended before the last chunk",
    "inside a chunk": "the connection ended before the last chunk",
    "content length not reached": "the connection ended after 2 of 3 bytes of the body",
    "no answer": "the connection ended without an answer",
    "inside the head": "the connection ended without an answer",
    "not HTTP": '"SSH-2.0-OpenSSH_9.2" instead of a status line',
    "a chunk size that is none": 'a chunk begins with "zz", not with its size',
    "a chunk without its end": 'a chunk continues with "de" after its size',
}


@pytest.mark.parametrize("name", WORDS)
def test_how_a_message_failed_is_said_in_words_of_our_own(name: str) -> None:
    assert asyncio.run(recorded(sends(*ENDINGS[name][0]))).detail == WORDS[name]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (b"Content-Length: 3\r\nContent-Length: 4", "Content-Length has several values"),
        (b"Content-Length: three", "Content-Length is no number"),
        (b"Transfer-Encoding: gzip, chunked", "a transfer coding that is not chunked"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "several fields Transfer-Encoding"),
        (b"no colon", '"no colon" instead of a field line'),
        (b" folded: 1", "a folded line before the first field line"),
    ],
)
def test_a_head_that_is_none_is_said_so(fields: bytes, words: str) -> None:
    exchange = asyncio.run(recorded(sends(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n")))
    assert (exchange.ending, exchange.detail) == (Ending.MALFORMED, words)


LENGTH_1 = SSE_HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: 1")
WHOLE_STREAM = (SSE_HEAD, chunk(b"data: 1\n\n"), LAST_CHUNK)
BEHIND: dict[str, tuple[tuple[bytes, ...], str | None]] = {
    "nothing": (WHOLE_STREAM, None),
    "with the last chunk": ((*WHOLE_STREAM[:2], LAST_CHUNK + b": keep\n"), ": keep\n"),
    "after the last chunk (kubestellar/console#6953)": ((*WHOLE_STREAM, b": keep\n"), ": keep\n"),
    "no text": ((*WHOLE_STREAM, b"\xff"), "\\xff"),
    "beyond the length, at once (fuzion#6146, servest#130, tornado#301)": ((LENGTH_1 + b"id: 1\n",), "d: 1\n"),
    "beyond the length, later": ((LENGTH_1 + b"i", b"d: 1\n"), "d: 1\n"),
    "of a JSON answer, which is no stream": ((LENGTH_3, b"abcdef"), None),
    "of a stream that its connection ends": ((NO_LENGTH, b"abc"), None),
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_follows_on_the_end_of_a_stream(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, behind = BEHIND[name]
    if behind:
        monkeypatch.setattr("streamvet.recorder.recorder.BEHIND_S", SOON_S)  # a busy machine may be late
    ends = "connection ends" not in name

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)  # so that a piece is a segment
        await reader.read()  # the connection stays, until the reader leaves

    async def scenario() -> Exchange:
        async with serving(handle) as url, recording() as tape:
            live = get(tape, url)
            if not await live.over(SOON_S if ends else 0.1):
                await live.cut("nothing ends it")
            (exchange,) = await tape.exchanges()
            return exchange

    exchange = asyncio.run(scenario())
    assert exchange.about.get("behind") == behind
    assert exchange.ending is (Ending.COMPLETE if ends else Ending.CUT)


def test_reset() -> None:
    exchange = asyncio.run(recorded(sends(SSE_HEAD, chunk(b"data: 1\n\n"), reset=True)))
    assert (exchange.ending, exchange.detail) == (Ending.RESET, "the connection was reset")
    assert exchange.head is not None


def test_no_server() -> None:
    async def scenario() -> tuple[Ending, str]:
        async with serving(sends()) as url:
            pass
        async with recording() as tape:
            live = get(tape, url)
            return await live.ended(SOON_S), live.detail

    assert asyncio.run(scenario()) == (Ending.RESET, "the connection was refused")


def test_deadline() -> None:
    async def scenario() -> tuple[Ending, str, bytes]:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, chunk(b"data: 1\n\n"), stay=stay)) as url, recording() as tape:
            live = get(tape, url)
            ending = await live.ended(0.2)
            stay.set()
            return ending, live.detail, bytes(live.body)

    ending, detail, body = asyncio.run(scenario())
    assert (ending, body) == (Ending.TIMED_OUT, b"data: 1\n\n")
    assert detail == "the end not within 0.2 s"


def test_cut_by_us() -> None:
    async def scenario() -> tuple[Ending | None, str]:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, stay=stay)) as url, recording() as tape:
            live = get(tape, url)
            await live.head(SOON_S)
            await live.cut("enough")
            stay.set()
            return live.ending, live.detail

    assert asyncio.run(scenario()) == (Ending.CUT, "enough")


def test_cut_before_it_has_begun() -> None:
    async def scenario() -> Ending | None:
        async with serving(sends(SSE_HEAD)) as url, recording() as tape:
            live = get(tape, url)
            await live.cut("at once")
            return live.ending

    assert asyncio.run(scenario()) is Ending.CUT


SMALL = Limits(head_bytes=200, line_bytes=100, event_bytes=300, body_bytes=1000, answer_bytes=600, frames=30)
LONG_HEAD = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300 + b"\r\nContent-Length: 0\r\n\r\n"
REACHED = {
    "head": (LONG_HEAD,),
    "line": (SSE_HEAD, *[chunk(b"x" * 40)] * 3, LAST_CHUNK),
    "event": (SSE_HEAD, *[chunk(b"data: " + b"x" * 50 + b"\n")] * 6, LAST_CHUNK),
    "body": (SSE_HEAD, *[chunk(b"data: " + b"x" * 50 + b"\n\n")] * 20, LAST_CHUNK),
}


@pytest.mark.parametrize("name", REACHED)
def test_limit(name: str) -> None:
    exchange = asyncio.run(recorded(sends(*REACHED[name]), SMALL))
    assert exchange.ending is Ending.CUT
    assert exchange.detail.startswith(f"limit: {name} over ")


@pytest.mark.parametrize(
    "pieces", [(b"\n" * 40,), (b"\n",) * 40, (b"\r\n\r",) * 20, (b"data: 1\n\n",) * 40, (b":\n",) * 40]
)
def test_limit_of_frames(pieces: tuple[bytes, ...]) -> None:
    exchange = asyncio.run(recorded(sends(SSE_HEAD, *map(chunk, pieces), LAST_CHUNK), SMALL))
    assert (exchange.ending, exchange.detail) == (Ending.CUT, "limit: over 30 frames")


def test_what_is_within_the_limit_of_frames_is_read() -> None:
    body = b"data: 1\r\nid: 2\r\n\r\n" * 29
    exchange = asyncio.run(recorded(sends(SSE_HEAD, chunk(body), LAST_CHUNK), SMALL))
    assert (exchange.ending, exchange.body) == (Ending.COMPLETE, body)


def test_limit_of_all_tries_under_way() -> None:
    limits = Limits(held_bytes=1000)

    async def scenario() -> list[tuple[Ending, str]]:
        async with serving(sends(SSE_HEAD, chunk(b"data: 1\n\n" * 70), LAST_CHUNK)) as url, recording(limits) as tape:
            for _ in range(2):
                await get(tape, url).ended(SOON_S)
            first, second = await tape.exchanges()
            again = Tape(tape._recorder)  # of the next try, when this one is handed out
            await get(again, url).ended(SOON_S)
            return [(one.ending, one.detail) for one in (first, second, *await again.exchanges())]

    whole = (Ending.COMPLETE, "")
    assert asyncio.run(scenario()) == [whole, (Ending.CUT, "limit: all tries under way over 1000 bytes"), whole]


def test_head_above_what_the_parser_takes() -> None:
    exchange = asyncio.run(recorded(sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000)))
    assert (exchange.ending, exchange.head) == (Ending.CUT, None)
    assert exchange.detail.startswith("limit: head over ")


def test_answers_that_are_no_stream_have_no_limit_of_lines() -> None:
    body = b"x" * 500
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert asyncio.run(recorded(sends(head, body), SMALL)).ending is Ending.COMPLETE


def test_answers_that_are_no_stream_have_a_limit_of_their_own() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    exchange = asyncio.run(recorded(sends(head, b"x" * 601, b"x" * 10_000), SMALL))
    assert (exchange.ending, exchange.detail) == (Ending.CUT, "limit: body over 600 bytes")


LINES = {
    "an empty line ends an event": ([b"x" * 90 + b"\n\n"] * 5, ""),
    "over chunks": ([b"x" * 60, b"x" * 60], "line"),
    "CRLF": ([b"x" * 90 + b"\r\n\r", b"\n"] * 5, ""),
    "CR": ([b"x" * 90 + b"\r", b"\r"] * 5, ""),
    "lines without an empty one": ([b"x" * 90 + b"\n"] * 4, "event"),
    "the line that a chunk begins": ([b"\n", b"x" * 101 + b"\n"], "line"),
}


@pytest.mark.parametrize("name", LINES)
def test_line_watch(name: str) -> None:
    chunks, wanted = LINES[name]
    watch = LineWatch(SMALL, events=True)
    assert next((found for one in chunks if (found := watch.exceeded(one))), "") == wanted


EVENTS = [assist(number, "🚀") for number in (1, 2, 3)]
WHOLE = b"".join(EVENTS)
CUTS = {
    "after the head": (CutPlan(0), 0),
    "after one event": (CutPlan(1), len(EVENTS[0])),
    "after all events": (CutPlan(3), len(WHOLE)),
    "a byte inside the first": (CutPlan(0, 1), 1),
    "ten bytes inside the second": (CutPlan(1, 10), len(EVENTS[0]) + 10),
    "before the last byte of the third": (CutPlan(2, 1 << 20), len(WHOLE) - 1),
}


@pytest.mark.parametrize("pieces", [[WHOLE], EVENTS, [WHOLE[i : i + 1] for i in range(len(WHOLE))]])
@pytest.mark.parametrize("name", CUTS)
def test_cut_to_the_byte(name: str, pieces: list[bytes]) -> None:
    async def scenario() -> tuple[Ending, bytes, int, int, int]:
        plan, _ = CUTS[name]
        stay = asyncio.Event()
        handle = sends(SSE_HEAD, *map(chunk, pieces), stay=stay)
        async with serving(handle) as url, recording() as tape:
            live = get(tape, url, cut=plan)
            await live.ended(SOON_S)
            stay.set()
            (exchange,) = await tape.exchanges()
            last = exchange.ends[-1] if exchange.ends else 0
            return exchange.ending, exchange.body, len(live.history), last, len(exchange.times) - len(exchange.ends)

    plan, size = CUTS[name]
    assert asyncio.run(scenario()) == (Ending.CUT, WHOLE[:size], plan.after, size, 0)


def test_cut_that_is_never_reached() -> None:
    exchange = asyncio.run(recorded(sends(SSE_HEAD, chunk(WHOLE), LAST_CHUNK), cut=CutPlan(4)))
    assert (exchange.ending, exchange.body) == (Ending.COMPLETE, WHOLE)
