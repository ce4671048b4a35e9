"""HTTP/2: the same bytes, times and endings as of HTTP/1.1, each exchange on a connection of its own."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import pytest

from streamvet.contract.route import Route
from streamvet.recorder import Ask
from streamvet.trace import Ending, Exchange

from . import certificates
from .servers import SOON_S, Handler, get, recording, sends, serving
from .test_ways import proxying, way

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

State = h2.connection.H2Connection
STREAM_HEAD = [(":status", "200"), ("content-type", "text/event-stream")]
BY_H2 = Route(http2=True)


class Heard:
    """The events of a server's side, and a wait for one of a kind."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._more = asyncio.Event()

    def take(self, event: object) -> None:
        """Note an event."""
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[Any]) -> list[Any]:
        """Those of a kind, so far."""
        return [one for one in self.events if isinstance(one, kind)]

    async def until(self, kind: type[Any]) -> None:
        """Wait for the first of a kind."""
        async with asyncio.timeout(SOON_S):
            while not self.of(kind):
                self._more.clear()
                await self._more.wait()


def speaking(*acts: Callable[[State], None], heard: Heard | None = None, stay: bool = False) -> Handler:
    """A server that does these things, one write each, once it is asked; with `stay` until the reader goes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = State(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        writer.write(state.data_to_send())
        asked = False
        while data := await reader.read(1 << 16):
            for event in state.receive_data(data):
                if heard is not None:
                    heard.take(event)
                if isinstance(event, h2.events.DataReceived):
                    state.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
                asked = asked or isinstance(event, h2.events.RequestReceived)
            writer.write(state.data_to_send())
            await writer.drain()
            if asked and acts:
                for act in acts:
                    act(state)
                    writer.write(state.data_to_send())
                    await writer.drain()
                    await asyncio.sleep(0.002)
                if not stay:
                    return
                asked = False

    return handle


def head(*more: tuple[str, str]) -> Callable[[State], None]:
    return lambda state: state.send_headers(1, [*STREAM_HEAD, *more])


def data(text: bytes, *, end: bool = False) -> Callable[[State], None]:
    return lambda state: state.send_data(1, text, end_stream=end)


def goaway(code: int, last: int = 1) -> Callable[[State], None]:
    """The frame by itself: h2 would end everything with it."""
    frame = b"\0\0\x08\x07\0" + bytes(4) + last.to_bytes(4) + code.to_bytes(4)

    def act(state: State) -> None:
        state._data_to_send += frame

    return act


ONE, TWO = b"data: 1\n\n", b"data: 2\n\n"
ENDINGS: dict[str, tuple[tuple[Callable[[State], None], ...], Ending, bytes, str]] = {
    "END_STREAM": ((head(), data(ONE), data(TWO, end=True)), Ending.COMPLETE, ONE + TWO, ""),
    "a notice that no further stream is taken": (
        (head(), data(ONE), goaway(0), data(TWO, end=True)),
        Ending.COMPLETE,
        ONE + TWO,
        "",
    ),
    "the end of the connection": (
        (head(), data(ONE)),
        Ending.TRUNCATED,
        ONE,
        "the connection ended before the end of the stream",
    ),
    "a reset": (
        (head(), data(ONE), lambda state: state.reset_stream(1, 2)),
        Ending.RESET,
        ONE,
        "the stream was reset: INTERNAL_ERROR",
    ),
    "a connection that fails": (
        (head(), data(ONE), goaway(11)),
        Ending.RESET,
        ONE,
        "the connection was ended: ENHANCE_YOUR_CALM",
    ),
    "fewer bytes than its length says": (
        (head(("content-length", "20")), data(TWO), data(ONE, end=True)),
        Ending.MALFORMED,
        TWO,
        "the stream ended after 18 of 20 bytes",
    ),
}


async def read(url: str, route: Route = BY_H2, **ask: Any) -> Exchange:
    async with recording(route=route) as tape:
        await (tape.send(Ask("push", "push", "POST", url, **ask)) if ask else get(tape, url)).ended(SOON_S)
        (exchange,) = await tape.exchanges()
        return exchange


@pytest.mark.parametrize("name", ENDINGS)
def test_ending(name: str) -> None:
    acts, *wanted = ENDINGS[name]

    async def scenario() -> Exchange:
        async with serving(speaking(*acts)) as url:
            return await read(url)

    exchange = asyncio.run(scenario())
    assert [exchange.ending, exchange.body, exchange.detail] == wanted
    assert exchange.head is not None
    assert (exchange.head.http, exchange.head.media_type) == ("HTTP/2", "text/event-stream")


def test_each_frame_is_a_chunk_with_its_time() -> None:
    async def scenario() -> Exchange:
        async with serving(speaking(head(), data(ONE), data(TWO), data(b"", end=True))) as url:
            return await read(url)

    exchange = asyncio.run(scenario())
    assert [one.data for one in exchange.chunks] == [ONE, TWO]
    assert exchange.times[1] - exchange.times[0] > 1000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks HTTP/1.1 there, and no HTTP/2"),
        (b"", "the connection ended without an answer"),
    ],
)
def test_who_speaks_no_http2(answer: bytes, said: str) -> None:
    async def scenario() -> Exchange:
        async with serving(sends(answer)) as url:
            return await read(url)

    assert asyncio.run(scenario()).detail == said


def test_a_field_about_the_connection_makes_an_answer_malformed() -> None:
    """RFC 9113, 8.2.2."""

    def act(state: State) -> None:
        state.config.validate_outbound_headers = False
        state.config.normalize_outbound_headers = False
        state.send_headers(1, [*STREAM_HEAD, ("connection", "keep-alive")])

    async def scenario() -> Exchange:
        async with serving(speaking(act)) as url:
            return await read(url)

    exchange = asyncio.run(scenario())
    assert (exchange.ending, exchange.head) == (Ending.MALFORMED, None)
    assert exchange.detail.startswith("the answer is not HTTP/2: ")


def test_a_body_is_sent_as_fast_as_it_is_taken() -> None:
    body = bytes(range(256)) * 1024

    async def scenario() -> tuple[Exchange, Heard]:
        heard = Heard()
        async with serving(speaking(heard=heard)) as url, recording(route=BY_H2) as tape:
            live = tape.send(Ask("push", "push", "POST", url, (("Content-Type", "x/y"),), body))
            await heard.until(h2.events.StreamEnded)
            await live.cut("it has all")
            (exchange,) = await tape.exchanges()
            return exchange, heard

    exchange, heard = asyncio.run(scenario())
    assert exchange.ending is Ending.CUT
    assert b"".join(one.data for one in heard.of(h2.events.DataReceived)) == body
    (asked,) = [dict(one.headers) for one in heard.of(h2.events.RequestReceived)]
    assert {name: asked.get(name) for name in (b":method", b":path", b"content-type", b"content-length")} == {
        b":method": b"POST",
        b":path": b"/",
        b"content-type": b"x/y",
        b"content-length": b"262144",
    }
    assert b"connection" not in asked


def test_an_answer_before_all_was_sent() -> None:
    def refuse(state: State) -> None:
        state.send_headers(1, [(":status", "413")], end_stream=True)

    async def scenario() -> Exchange:
        async with serving(speaking(refuse, stay=True)) as url:
            return await read(url, body=b"x" * (4 << 20))

    assert asyncio.run(scenario()).status == 413


def test_who_leaves_resets_the_stream() -> None:
    async def scenario() -> list[Any]:
        heard = Heard()
        async with serving(speaking(head(), data(ONE), heard=heard, stay=True)) as url, recording(route=BY_H2) as tape:
            live = get(tape, url)
            await live.until(lambda _event: True, SOON_S)
            await live.cut("enough")
            await heard.until(h2.events.StreamReset)
        return heard.of(h2.events.StreamReset)

    (reset,) = asyncio.run(scenario())
    assert reset.error_code == 8  # CANCEL


def test_a_reader_that_stalls_takes_no_more_than_its_window() -> None:
    """And another reader of the same server goes on: each has its own connection."""

    async def scenario() -> tuple[int, int, Exchange]:
        full, sent = asyncio.Event(), list[int]()

        def flood(state: State) -> None:
            sent.append(0)
            while (room := min(state.local_flow_control_window(1), state.max_outbound_frame_size)) > 0:
                state.send_data(1, b":" * room)
                sent[-1] += room
            full.set()

        async with serving(speaking(head(), flood, stay=True)) as url, recording(route=BY_H2) as tape:
            stalled = get(tape, url, stalls=True)
            stalled.hold()
            async with asyncio.timeout(SOON_S):
                await full.wait()
            other = get(tape, url)
            await other.head(SOON_S)
            await other.cut("it is served")
            taken = len(stalled.body)
            await stalled.cut("enough")
            return taken, sent[0], (await tape.exchanges())[1]

    taken, sent, other = asyncio.run(scenario())
    assert (taken, sent) == (0, 65_535)
    assert other.status == 200


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sv") as name:
        certificates.make(Path(name))
        yield Path(name)


def served(folder: Path, *protocols: str) -> ssl.SSLContext:
    context = certificates.served(folder)
    context.set_alpn_protocols(protocols)
    return context


def test_by_tls_through_a_proxy(folder: Path) -> None:
    acts, heads = (head(), data(ONE, end=True)), list[bytes]()

    async def scenario() -> tuple[Exchange, Exchange]:
        async with (
            serving(speaking(*acts), tls=served(folder, "h2")) as url,
            serving(speaking(*acts), tls=served(folder, "http/1.1")) as old,
            serving(proxying(heads)) as proxy,
        ):
            named = proxy.replace("//", "//me:word@")
            route = way(url, folder, http2=True, tls={"ca": "ca.pem"}, proxy=named)
            return await read(url, route), await read(old, way(old, folder, http2=True, tls={"ca": "ca.pem"}))

    exchange, old = asyncio.run(scenario())
    assert (exchange.ending, exchange.body) == (Ending.COMPLETE, ONE)
    assert [b"Proxy-Authorization: Basic" in one for one in heads] == [True]
    assert (old.ending, old.detail) == (Ending.MALFORMED, "it does not agree to speak HTTP/2")
