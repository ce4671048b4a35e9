"""How long a head is waited for: less where the same was asked for often and never answered."""

from __future__ import annotations

import asyncio

from streamvet.recorder import Ask
from streamvet.recorder.patience import LITTLE_S, NEVER, Patience
from streamvet.trace import Ending

from .servers import LAST_CHUNK, SOON_S, SSE_HEAD, recording, sends, serving


def test_what_was_never_answered_gets_little() -> None:
    patience = Patience()
    for _ in range(NEVER):
        assert patience.seconds("attach", 30.0) == 30.0
        patience.missed("attach")
    assert patience.seconds("attach", 30.0) == LITTLE_S
    assert patience.seconds("attach", 1.0) == 1.0
    assert patience.seconds("start:run", 30.0) == 30.0


def test_what_was_answered_once_is_waited_for() -> None:
    patience = Patience()
    patience.came("attach")
    for _ in range(NEVER):
        patience.missed("attach")
    assert patience.seconds("attach", 30.0) == 30.0


def test_an_exchange_without_a_head_is_over_by_then() -> None:
    async def scenario() -> None:
        stay = asyncio.Event()
        async with serving(sends(stay=stay)) as url, recording() as tape:
            asks = [tape.send(Ask("attach", "reader", "GET", url, answer_s=0.05)) for _ in range(NEVER)]
            for live in asks:
                await live.ended(SOON_S)
                assert (live.ending, live.detail) == (Ending.TIMED_OUT, "no answer within 0.1 s")
            own = tape.send(Ask("attach", "reader", "GET", url, answer_s=30.0))
            assert await own.head(0.05) is None  # by whoever waits for it, which counts alike
            again = tape.send(Ask("attach", "reader", "GET", url, answer_s=30.0))
            await again.ended(LITTLE_S + SOON_S)
            assert again.detail == f"no answer within {LITTLE_S:.1f} s"
            stay.set()

    asyncio.run(scenario())


def test_a_body_that_takes_its_time_is_not_cut_by_it() -> None:
    async def scenario() -> Ending | None:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await sends(SSE_HEAD)(reader, writer)
            await asyncio.sleep(0.15)
            writer.write(LAST_CHUNK)

        async with serving(slow) as url, recording() as tape:
            return await tape.send(Ask("attach", "reader", "GET", url, answer_s=0.1)).ended(SOON_S)

    assert asyncio.run(scenario()) is Ending.COMPLETE
