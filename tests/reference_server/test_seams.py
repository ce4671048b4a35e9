"""Every seam bites: with one function swapped, what a client sees changes in the place that the seam is named after."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamvet_server.__main__ import main
from streamvet_server.catalogue import FAULTS, find, listing, replaced, seams_of, seams_together
from streamvet_server.seams import HONEST, Cause, Close, Pause, Raw, Seams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILE = {"emit": {"type": "file", "path": "a", "contents": "x"}}
STEPS = [FILE, FILE, FILE]
WHOLE = [1, 2, 3, 4]


async def _until_all_have_taken(_scene: Any, readers: Sequence[Any]) -> None:
    while any(reader.waiting for reader in readers):  # noqa: ASYNC110 -- no event tells it
        await asyncio.sleep(0)


def _status(found: Any) -> Any:
    return lambda _scene, check, refusal: None if check == found else refusal


# The seams, then the ids that the first reader sees, and those of a replay from cursor 2.
SEEN: list[tuple[str, Seams, Sequence[int], Sequence[int]]] = [
    ("honest", Seams(), WHOLE, [3, 4]),
    ("document drops", Seams(document=lambda shown, it: () if shown.number == 2 else (it,)), [1, 3, 4], [3, 4]),
    ("document repeats", Seams(document=lambda shown, it: (it, it) if shown.last else (it,)), [*WHOLE, 4], [3, 4, 4]),
    (
        "frame repeats",
        Seams(frame=lambda _shown, octets: (octets, Pause(0), octets)),
        [1, 1, 2, 2, 3, 3, 4, 4],
        [3, 3, 4, 4],
    ),
    ("frame ends", Seams(frame=lambda shown, octets: (Close.CLEAN,) if shown.last else (octets,)), [1, 2, 3], [3]),
    ("append drops", Seams(append=lambda _scene, batch: replace(batch, documents=batch.documents[-1:])), [1, 2], []),
    ("keep drops", Seams(keep=lambda _scene, entries: [it for it in entries if it.number != 3]), WHOLE, [4]),
    ("number shifts", Seams(number=lambda _scene, number: number + 10), [11, 12, 13, 14], [13, 14]),
    ("replay reverses", Seams(replay=lambda _scene, entries: entries[::-1]), WHOLE, [4]),
    ("resume is inclusive", Seams(resume=lambda _scene, cursor: max(0, cursor - 1)), WHOLE, [2, 3, 4]),
    ("pace waits", Seams(pace=_until_all_have_taken), WHOLE, [3, 4]),
]


@pytest.mark.parametrize(("seams", "live", "rest"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN])
def test_what_a_reader_sees(serve: Any, seams: Seams, live: Sequence[int], rest: Sequence[int]) -> None:
    # The first event comes when the reader is there, so that it is live.
    steps = [{"wait_ms": 5_000}, *STEPS]

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            async with served.build(await served.scripted("promptfloe", steps)) as (run, stream):
                assert [event["id"] async for event in stream] == live
            assert [event["id"] for event in await served.resumed(run, 2)] == rest

    asyncio.run(main())


def test_head(serve: Any) -> None:
    seams = Seams(
        head=lambda scene, answer: replace(answer, status=203, headers={**answer.headers, "X-Op": scene.operation})
    )

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            headers = await served.bearer("promptfloe")
            answer = await served.http.post("/promptfloe/v1/apps/generate", json={"prompt": "a"}, headers=headers)
            assert (answer.status_code, answer.headers["X-Op"]) == (203, "start:build")
            answer = await served.http.get("/promptfloe/v1/runs/x", headers=headers)
            assert (answer.status_code, answer.headers["X-Op"]) == (203, "record")

    asyncio.run(main())


@pytest.mark.parametrize(("how", "raises"), [(Close.CLEAN, False), (Close.BARE, True), (Close.ABORT, True)])
def test_close(serve: Any, how: Close, raises: bool) -> None:
    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(close=lambda _scene, _why: how)) as served:
            events: list[Any] = []

            async def read() -> None:
                async with served.build(await served.scripted("promptfloe", STEPS)) as (_, stream):
                    async for event in stream:
                        events.append(event["id"])  # noqa: PERF401 -- what came before the end counts

            if raises:
                with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                    await read()
            else:
                await read()
            assert how is Close.ABORT or events == WHOLE

    asyncio.run(main())


def test_close_never(serve: Any) -> None:
    async def main() -> None:
        async with (
            serve(seams=lambda _profile: Seams(close=lambda _scene, _why: Close.NEVER)) as served,
            served.build(await served.scripted("promptfloe", STEPS)) as (_, stream),
        ):
            assert [(await anext(stream))["id"] for _ in WHOLE] == WHOLE
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 0.2)

    asyncio.run(main())


def test_raw_octets_go_past_the_chunks(serve: Any) -> None:
    seams = Seams(frame=lambda shown, octets: (Raw(b"zz\r\n"),) if shown.number == 3 else (octets,))

    async def main() -> None:
        async with (
            serve(seams=lambda _profile: seams) as served,
            served.build(await served.scripted("promptfloe", STEPS)) as (_, stream),
        ):
            assert [(await anext(stream))["id"] for _ in range(2)] == [1, 2]
            with pytest.raises(httpx.RemoteProtocolError):
                await anext(stream)

    asyncio.run(main())


def test_clock(serve: Any) -> None:
    asked = set()

    def clock(_scene: Any, wait: str, seconds: float) -> float:
        asked.add((wait, round(seconds, 3)))
        return 0.1 if wait in ("answer", "close") else seconds

    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(clock=clock)) as served:
            loop = asyncio.get_running_loop()
            headers = await served.scripted("promptfloe", [{"wait_ms": 500}])
            begin = loop.time()
            async with served.build(headers) as (_, stream):
                assert loop.time() - begin > 0.1
                assert [event["type"] async for event in stream] == ["ready"]
            assert loop.time() - begin > 0.2
            await served.seen(await served.run([]))
            assert asked == {
                *(("start", 0.0), ("answer", 0.0), ("close", 0.0), ("step", 0.01)),
                *(("first-ping", 0.3), ("ping", 0.3), ("quiet", 0.0), ("detach", 6.0), ("returned", 0)),
            }

    asyncio.run(main())


@pytest.mark.parametrize(
    ("check", "path", "honest"),
    [
        ("credentials", "/promptfloe/v1/runs/{run}", 401),
        ("credentials", "/ghostly/v1/runs", 401),
        ("expired", "/ghostly/v1/runs?token={expired}", 401),
        ("owner", "/promptfloe/v1/runs/{run}", 404),
        ("exists", "/promptfloe/v1/runs/nope", 404),
        ("cursor", "/promptfloe/v1/runs/{run}/events?cursor=x", 400),
        ("cursor", "/promptfloe/v1/runs/{run}/events?cursor=99", 409),
        ("route", "/ghostly/nope", 404),
    ],
)
def test_access(serve: Any, check: str, path: str, honest: int) -> None:
    async def get(served: Any) -> int:
        async with served.build(await served.scripted("promptfloe", STEPS)) as (run, stream):
            assert [event["id"] async for event in stream] == WHOLE
        who = {"owner": "other_credentials", "exists": "credentials", "cursor": "credentials"}.get(check)
        headers = {} if who is None else await served.bearer("promptfloe", who)
        from streamvet_server.systems.ghostly.tokens import EXPIRED_TOKEN  # noqa: PLC0415

        url = path.format(run=run, expired=EXPIRED_TOKEN)
        return int((await served.http.get(url, headers=headers)).status_code)

    async def main() -> None:
        async with serve() as served:
            assert await get(served) == honest
        async with serve(seams=lambda _profile: Seams(access=_status(check))) as served:
            assert await get(served) == 200

    asyncio.run(main())


def test_left(serve: Any) -> None:
    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(left=lambda _scene: Cause.CANCELLED)) as served:
            async with served.build(await served.scripted("promptfloe", STEPS, "hangs")) as (run, stream):
                await anext(stream)
            assert [event["type"] for event in await served.resumed(run)][-1] == "cancelled"

    asyncio.run(main())


def test_overflow(serve: Any) -> None:
    """Only a reader that fell behind asks where to read on; here it skips what it missed."""
    seams = Seams(overflow=lambda _scene, _after, newest: newest, frame=_slow_third)
    steps = [{"wait_ms": 5_000}, *[FILE] * 1000]

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            async with served.build(await served.scripted("promptfloe", steps)) as (_, stream):
                ids = [event["id"] async for event in stream]
            assert ids[:3] == [1, 2, 3]
            assert len(ids) < 1001
            assert ids == sorted(set(ids))

    asyncio.run(main())


def _slow_third(shown: Any, octets: bytes) -> Sequence[Any]:
    return (octets, Pause(0.5)) if shown.number == 3 else (octets,)


def test_a_broken_run_ends_for_its_readers(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    def append(_scene: Any, batch: Any) -> Any:
        if batch.cause is Cause.WORK:
            raise RuntimeError("the worker broke")
        return batch

    async def main() -> None:
        async with serve(seams=lambda _profile: Seams(append=append)) as served:
            async with served.build(await served.scripted("promptfloe", STEPS)) as (_, stream):
                assert [(event["type"], event["code"]) async for event in stream] == [("error", "internal_error")]
            seen = await served.seen(await served.run([{"emit": {"type": "recon", "payload": {}}}]))
            assert [block["event"] for block in seen] in (["status", "status", "end"], ["status", "end"])

    asyncio.run(main())
    assert "broke" in caplog.text


def test_faults_are_rows() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert [row["name"] for row in listing()] == names
    assert find("no-such") is None
    assert seams_of(None, "ghostly") is HONEST


def test_a_burst_to_one_reader_does_not_hold_up_another(serve: Any) -> None:
    """While 4,000 events go to a reader, the loop's own timer stays prompt: a heartbeat would be, too."""
    late: list[float] = []

    async def tick(done: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while not done():
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            late.append(loop.time() - due)

    async def main() -> None:
        async with serve() as served:
            run = await served.run([{"emit": {"type": "recon", "payload": {"n": n}}} for n in range(4_000)])
            reading = asyncio.create_task(served.seen(run))
            await tick(reading.done)
            assert sum(block["event"] == "assist" for block in await reading) == 4_001

    asyncio.run(main())
    assert sorted(late)[len(late) * 9 // 10] < 0.1


# ------------------------------------------------------------------------------------------------ several faults


def test_two_faults_hold_at_their_own_places() -> None:
    head, frame = find("plain-text"), find("unknown-field")
    assert head is not None
    assert frame is not None
    assert replaced(head, "ghostly") == {"head"}
    assert replaced(frame, "ghostly") == {"frame"}
    both = seams_together([head, frame], "ghostly")
    assert both.head is not HONEST.head
    assert both.frame is not HONEST.frame
    assert both.append is HONEST.append
    assert seams_together([], "ghostly") == HONEST


def test_two_faults_at_one_place_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--profile", "ghostly", "--fault", "plain-text", "--fault", "cacheable"]) == 2
    said = (
        "expected faults that replace different seams, got plain-text and cacheable, which both replace head of ghostly"
    )
    assert said in capsys.readouterr().err
