"""Waits on a running exchange: what they give, and that a candidate cannot make them hang or raise."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from streamvet.recorder import JitterMeter, now_us, wait_until
from streamvet.trace import Ending, Late

from .servers import LAST_CHUNK, SOON_S, SSE_HEAD, assist, chunk, get, recording, request_of, sends, serving

if TYPE_CHECKING:
    from streamvet.recorder import Seen


def test_events_come_while_the_stream_is_open() -> None:
    async def scenario() -> tuple[bool, list[str | None], Seen | None, Ending | None]:
        more = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            writer.write(SSE_HEAD + chunk(assist(1)) + chunk(assist(2)[:30]))
            await more.wait()
            writer.write(chunk(assist(2)[30:]) + LAST_CHUNK)

        async with serving(handle) as url, recording() as tape:
            live = get(tape, url)
            one = await live.events(1, SOON_S)
            kinds = [seen.kind for seen in live.seen]
            more.set()
            second = await live.until(lambda seen: seen.value["seq"] == 2, SOON_S)
            return one, kinds, second, await live.ended(SOON_S)

    one, kinds, second, ending = asyncio.run(scenario())
    assert (one, kinds, ending) == (True, ["assist.recon"], Ending.COMPLETE)
    assert second is not None
    assert (second.id, second.history, second.end) == ("2", True, len(assist(1) + assist(2)))


GARBAGE = {
    "not JSON": b"data: {\n\n",
    "a number": b"data: 7\n\n",
    "an array": b"data: [1]\n\n",
    "no UTF-8": b"data: \xff\xfe\n\n",
    "deep": b"data: " + b"[" * 5000 + b"\n\n",
    "a huge number": b"data: " + b"9" * 5000 + b"\n\n",
    "bytes": bytes(range(256)),
    "another kind": b'event: assist\ndata: {"kind":7,"type":null}\n\n',
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_no_event(name: str) -> None:
    async def scenario() -> tuple[bool, Ending | None, bytes]:
        async with serving(sends(SSE_HEAD, chunk(GARBAGE[name]), LAST_CHUNK)) as url, recording() as tape:
            live = get(tape, url)
            return await live.events(1, SOON_S), live.ending, bytes(live.body)

    assert asyncio.run(scenario()) == (False, Ending.COMPLETE, GARBAGE[name])


def test_a_wait_that_fails_ends_the_exchange() -> None:
    async def scenario() -> tuple[bool, Ending | None, str]:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, chunk(assist(1)), stay=stay)) as url, recording() as tape:
            live = get(tape, url)
            found = await live.events(2, 0.2)
            stay.set()
            return found, live.ending, live.detail

    assert asyncio.run(scenario()) == (False, Ending.TIMED_OUT, "2 events not within 0.2 s")


def test_looking_for_the_end_leaves_the_exchange_running() -> None:
    async def scenario() -> tuple[bool, Ending | None, bool]:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, stay=stay)) as url, recording() as tape:
            live = get(tape, url)
            early = await live.over(0.1)
            ending = live.ending
            stay.set()
            return early, ending, await live.over(SOON_S)

    assert asyncio.run(scenario()) == (False, None, True)


def test_two_wait_for_one_stream() -> None:
    async def scenario() -> list[bool]:
        async with serving(sends(SSE_HEAD, chunk(assist(1)), chunk(assist(2)), LAST_CHUNK)) as url, recording() as tape:
            live = get(tape, url)
            return list(await asyncio.gather(*(live.events(count, SOON_S) for count in (1, 2, 3))))

    assert asyncio.run(scenario()) == [True, True, False]


def test_a_reader_that_holds_does_not_read() -> None:
    large = 15 * 1024 * 1024  # more than the kernel's buffers between two sockets on one host, and less than is read

    async def scenario() -> tuple[bool, int]:
        written = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % large
            writer.write(head)
            for _ in range(large // 65536):
                writer.write(bytes(65536))
                await writer.drain()
            written.set()

        async with serving(handle) as url, recording() as tape:
            live = get(tape, url, stalls=True)
            live.hold()
            await live.head(SOON_S)
            try:
                await asyncio.wait_for(written.wait(), 0.3)
            except TimeoutError:
                blocked = True
            else:
                blocked = False
            live.go_on()
            await live.ended(30)
            return blocked, len(live.body)

    assert asyncio.run(scenario()) == (True, large)


def test_nothing_is_carried_from_one_exchange_to_the_next() -> None:
    async def scenario() -> list[bytes]:
        heads: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await request_of(reader))
            writer.write(
                b"HTTP/1.1 302 Found\r\nSet-Cookie: session=1\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
            )
            await writer.drain()
            # A connection that is used again would bring a second request here.
            heads.append(await request_of(reader))

        async with serving(handle) as url, recording() as tape:
            for _ in range(2):
                live = get(tape, url + "/here")
                await live.ended(SOON_S)
        return heads

    heads = asyncio.run(scenario())
    assert [head.split(b"\r\n")[0] for head in heads if head] == [b"GET /here HTTP/1.1"] * 2
    assert not any(b"ookie" in head for head in heads)


def test_times_grow_and_are_relative_to_the_tape() -> None:
    async def scenario() -> tuple[int, int, list[int], int, float]:
        async with serving(sends(SSE_HEAD, chunk(b"a"), chunk(b"b"), LAST_CHUNK)) as url, recording() as tape:
            await get(tape, url).ended(SOON_S)
            (exchange,) = await tape.exchanges()
            head_us = exchange.head.at_us if exchange.head else -1
            return exchange.sent_us, head_us, list(exchange.times), exchange.ended_us, tape.wall_clock_s

    sent, head, times, ended, wall_clock = asyncio.run(scenario())
    assert 0 <= sent <= head <= times[0] <= times[-1] <= ended < SOON_S * 1e6
    assert abs(wall_clock - time.time()) < 60


def test_jitter_meter_sees_a_loop_that_was_held_up() -> None:
    async def scenario() -> tuple[int, int, int]:
        def late_us(since_us: int, until_us: int) -> int:
            return sum(us for _, us in meter.late(since_us, until_us))

        meter = JitterMeter()
        meter.start()
        begin = now_us()
        await wait_until(begin + 30_000)
        quiet_until = now_us()
        await asyncio.sleep(0)
        time.sleep(0.08)  # noqa: ASYNC251 - holding up the loop is what is measured
        unnoted = late_us(quiet_until, now_us())
        await wait_until(now_us() + 30_000)
        noted = late_us(quiet_until, now_us())
        before = late_us(begin - 20_000, begin - 10_000)
        await meter.stop()
        return unnoted, noted, before

    unnoted, noted, before = asyncio.run(scenario())
    assert 60_000 < unnoted < 200_000
    assert 60_000 < noted < 200_000
    assert before == 0


def test_a_trace_has_the_times_in_which_the_suite_was_late() -> None:
    async def scenario() -> tuple[tuple[Late, ...], int, int]:
        async with serving(sends(SSE_HEAD, LAST_CHUNK)) as url, recording() as tape:
            await get(tape, url).ended(SOON_S)
            live = get(tape, url)
            await asyncio.sleep(0)
            time.sleep(0.08)  # noqa: ASYNC251 - holding up the loop is what is measured
            await live.ended(SOON_S)
            late = tape.late()
            (_, second) = await tape.exchanges()
            return late, second.sent_us, second.ended_us

    late, sent_us, ended_us = asyncio.run(scenario())
    held_up = max(late, key=lambda one: one.us)
    assert held_up.us > 60_000
    assert sent_us <= held_up.at_us < held_up.at_us + held_up.us <= ended_us


def test_closing_a_tape_ends_what_still_runs() -> None:
    async def scenario() -> tuple[int, int, set[str]]:
        stay = asyncio.Event()
        async with serving(sends(SSE_HEAD, stay=stay)) as url, recording() as tape:
            for _ in range(3):
                await get(tape, url).head(SOON_S)
            before = len(tape.running)
            await tape.close()
            stay.set()
            return before, len(tape.running), {one.detail for one in await tape.exchanges()}

    assert asyncio.run(scenario()) == (3, 0, {"the try is over"})
