"""How long something is waited for: less where it was once waited for to the end, and never came."""

from __future__ import annotations

import asyncio
import time

import pytest

from streamvet.recorder import Ask
from streamvet.recorder.patience import LITTLE_S, Patience
from streamvet.trace import Ending

from .servers import LAST_CHUNK, SOON_S, SSE_HEAD, chunk, recording, sends, serving


def test_what_was_once_waited_for_in_vain_gets_little() -> None:
    patience = Patience()
    assert patience.seconds("attach", 30.0) == 30.0
    patience.missed("attach", 30.0)
    assert patience.seconds("attach", 30.0) == LITTLE_S
    assert patience.seconds("attach", 1.0) == 1.0
    assert patience.seconds("start:run", 30.0) == 30.0
    assert (patience.never, patience.is_vain("attach")) == ({"attach": 30.0}, True)


def test_a_short_wait_says_nothing_about_a_longer_one() -> None:
    patience = Patience()
    patience.missed("start:run", 3.0)
    assert patience.seconds("start:run", 30.0) == 30.0


def test_what_came_once_is_waited_for() -> None:
    patience = Patience()
    patience.missed("attach", 30.0)
    patience.came("attach")
    assert patience.seconds("attach", 30.0) == 30.0
    assert (patience.never, patience.is_vain("attach")) == ({}, False)


@pytest.mark.parametrize(
    ("pieces", "streams", "detail"),
    [
        ((), True, "no answer within"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"half"), False, "the end not within"),
        # What refuses a stream is an answer, too, that has to end.
        ((b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", b"half"), True, "the end not within"),
    ],
)
def test_what_an_operation_never_answers_is_waited_for_once(
    pieces: tuple[bytes, ...], streams: bool, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamvet.recorder.patience.LITTLE_S", 0.1)

    async def scenario() -> None:
        stay = asyncio.Event()
        async with serving(sends(*pieces, stay=stay)) as url, recording() as tape:
            waits: list[float] = []
            for _ in range(3):
                begun_s = time.monotonic()
                live = tape.send(Ask("record", "record-after", "GET", url, answer_s=1.0, whole=not streams))
                await live.ended(SOON_S)
                waits.append(time.monotonic() - begun_s)
                assert live.ending is Ending.TIMED_OUT
                assert live.detail.startswith(detail)
            stay.set()
            assert waits[0] >= 1.0
            assert sum(waits[1:]) < 1.0

    asyncio.run(scenario())


def test_a_stream_that_takes_its_time_is_not_cut_by_it() -> None:
    async def scenario() -> Ending | None:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await sends(SSE_HEAD)(reader, writer)
            await asyncio.sleep(0.15)
            writer.write(LAST_CHUNK)

        async with serving(slow) as url, recording() as tape:
            return await tape.send(Ask("attach", "reader", "GET", url, answer_s=0.1)).ended(SOON_S)

    assert asyncio.run(scenario()) is Ending.COMPLETE


def test_what_is_waited_for_can_be_told() -> None:
    async def scenario() -> None:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, chunk(b": \n\n"), stay=stay)) as url, recording() as tape:
            live = tape.send(Ask("attach", "reader", "GET", url, answer_s=30.0))
            assert tape.awaited is None  # nothing was sent yet
            await live.head(SOON_S)
            waiting = asyncio.create_task(live.until(lambda _seen: False, SOON_S, "the terminal event"))
            await asyncio.sleep(0)
            awaited: list[tuple[int, str]] = list(filter(None, [tape.awaited]))
            assert [row[1] for row in awaited] == ["the terminal event"]
            stay.set()
            await waiting
            assert [tape.awaited] == [None]

    asyncio.run(scenario())
