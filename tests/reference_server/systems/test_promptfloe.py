"""promptfloe over real sockets: what its chapter promises, held against the honest server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamvet_server.listing import accounts

INPUTS = accounts()["promptfloe"]["inputs"]
PATHS = {"build": "apps/generate", "skill": "skills/run", "augmenter": "augmenters/run", "message": "chats/c/messages"}
FILE = {"emit": {"type": "file", "path": "a", "contents": "x"}}


@pytest.mark.parametrize("kind", PATHS)
def test_runs(serve: Any, kind: str) -> None:
    last = {"build": "ready", "message": "ready"}.get(kind, "done")

    async def main() -> None:
        async with serve() as served:
            headers = await served.bearer("promptfloe")
            for fate, type_, status in (("succeeds", last, "succeeded"), ("fails", "error", "failed")):
                request = {"json": INPUTS[kind][fate], "headers": headers}
                async with served.http.stream("POST", f"/promptfloe/v1/{PATHS[kind]}", **request) as answer:
                    assert answer.headers["content-type"] == "application/x-ndjson"
                    assert answer.headers["cache-control"] == "no-cache"
                    assert answer.headers["transfer-encoding"] == "chunked"
                    run = answer.headers["x-run-id"]
                    assert b"".join([octets async for octets in answer.aiter_raw()]).endswith(b"}\n")
                events = await served.resumed(run)
                assert [event["id"] for event in events] == list(range(1, len(events) + 1))
                assert {event["runId"] for event in events} == {run}
                assert events[-1]["type"] == type_
                record = await served.record(run, "promptfloe")
                assert (record["runId"], record["status"]) == (run, status)
                deltas = "".join(event["delta"] for event in events if event["type"] == "chunk")
                assert record.get("markdown", "") == deltas
                assert [file["path"] for file in record["files"]] == [
                    event["path"] for event in events if event["type"] in ("file", "file_written")
                ]

    asyncio.run(main())


def test_build_order_and_augmenters(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            async with served.build(await served.bearer("promptfloe"), augmenters=["a", "b-fails"]) as (_, stream):
                events = [event async for event in stream]
            assert [event["type"] for event in events] == [
                *("plan", "file", "file", "file", "review"),
                *("augmenter", "augmenter", "augmenter", "augmenter", "ready"),
            ]
            told = [(event["alias"], event["status"]) for event in events if event["type"] == "augmenter"]
            assert told == [("a", "started"), ("a", "applied"), ("b-fails", "started"), ("b-fails", "failed")]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("apps/generate", b'{"prompt":', 400, "invalid_request"),
        ("apps/generate", b"{}", 400, "invalid_request"),
        ("apps/generate", b'{"prompt":7}', 400, "invalid_request"),
        ("apps/generate", b'{"prompt":"a","augmenters":"b"}', 400, "invalid_request"),
        ("skills/run", b"{}", 400, "invalid_request"),
        ("augmenters/run", b'{"alias":"summarise"}', 400, "invalid_request"),
        ("chats/c/messages", b'{"prompt":"a","mode":"sing"}', 400, "invalid_request"),
        ("nowhere", b"{}", 404, "not_found"),
    ],
)
def test_start_refuses(serve: Any, path: str, body: bytes, status: int, code: str) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.bearer("promptfloe")
            answer = await served.http.post(f"/promptfloe/v1/{path}", content=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            assert answer.headers["content-type"] == "application/json"

    asyncio.run(main())


def test_credentials_and_isolation(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            async with served.build(await served.bearer("promptfloe")) as (run, stream):
                events = [event async for event in stream]
            assert events[-1]["type"] == "ready"
            get = served.http.get
            for path in (f"/promptfloe/v1/runs/{run}", f"/promptfloe/v1/runs/{run}/events"):
                for headers, status, code in (
                    ({}, 401, "invalid_key"),
                    ({"Authorization": "Bearer nope"}, 401, "invalid_key"),
                    (await served.bearer("promptfloe", "expired_credentials"), 401, "expired_key"),
                    (await served.bearer("promptfloe", "other_credentials"), 404, "not_found"),
                ):
                    answer = await get(path, headers=headers)
                    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            answer = await get("/promptfloe/v1/runs/run_nope/events", headers=await served.bearer("promptfloe"))
            assert answer.status_code == 404

    asyncio.run(main())


def test_every_cursor_gives_the_rest(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            async with served.build(await served.scripted("promptfloe", [FILE] * 6)) as (run, stream):
                whole = [event async for event in stream]
            for cursor in range(len(whole) + 1):
                assert await served.resumed(run, cursor) == whole[cursor:]
            assert await served.resumed(run, "") == whole
            headers = await served.bearer("promptfloe")
            for malformed, status in (("x", 400), ("-1", 400), ("01", 400), ("1.0", 400), ("\u0661", 400), ('"{', 400)):
                answer = await served.http.get(
                    f"/promptfloe/v1/runs/{run}/events", params={"cursor": malformed}, headers=headers
                )
                assert answer.status_code == status, malformed
            for unknown in (str(len(whole) + 1), "9007199254740000", "9" * 5000):
                answer = await served.http.get(
                    f"/promptfloe/v1/runs/{run}/events", params={"cursor": unknown}, headers=headers
                )
                assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")

    asyncio.run(main())


def test_a_dropped_reader_comes_back_to_the_rest_of_a_live_run(serve: Any) -> None:
    steps = [FILE, FILE, {"wait_ms": 1000}] * 20

    async def main() -> None:
        async with serve() as served:
            for cut in (0, 1, 7, 20):
                async with served.build(await served.scripted("promptfloe", steps)) as (run, stream):
                    seen: list[Any] = []
                    while len(seen) < cut:
                        seen.append(await anext(stream))
                rests = await asyncio.gather(*(served.resumed(run, cut) for _ in range(3)))
                whole = await served.resumed(run)
                assert len(whole) == 41
                assert [seen + rest for rest in rests] == [whole] * 3

    asyncio.run(main())


def test_a_run_that_nobody_reads_lives_five_minutes(serve: Any) -> None:
    """At 0.002: 0.6 s. It lives at 80 %, and is ended, readable, soon after 100 %."""

    async def main() -> None:
        async with serve(scale=0.002) as served:
            loop = asyncio.get_running_loop()
            async with served.build(await served.scripted("promptfloe", [FILE], "hangs")) as (run, stream):
                await anext(stream)
            left = loop.time()
            await asyncio.sleep(0.48)
            assert (await served.record(run, "promptfloe"))["status"] == "running"
            while (await served.record(run, "promptfloe"))["status"] == "running":  # noqa: ASYNC110 -- nobody reads it
                await asyncio.sleep(0.01)
            assert loop.time() - left == pytest.approx(0.6, abs=0.1)
            events = await served.resumed(run)
            assert (events[-1]["type"], events[-1]["code"]) == ("error", "detached")

    asyncio.run(main())


def test_a_reader_keeps_a_detached_run_alive(serve: Any) -> None:
    async def main() -> None:
        async with serve(scale=0.001) as served:  # life: 0.3 s
            async with served.build(await served.scripted("promptfloe", [FILE], "hangs")) as (run, stream):
                await anext(stream)
            reading = asyncio.create_task(served.resumed(run))
            await asyncio.sleep(0.5)
            assert (await served.record(run, "promptfloe"))["status"] == "running"
            assert (await served.cancel(run, "promptfloe")).status_code == 200
            assert [event["type"] for event in await reading] == ["file", "cancelled"]

    asyncio.run(main())


def test_cancel(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.scripted("promptfloe", [FILE], "hangs")
            async with served.build(headers) as (run, stream):
                await anext(stream)
                assert (await served.cancel(run, "promptfloe")).json() == {"runId": run, "status": "cancelled"}
                assert [event["type"] async for event in stream] == ["cancelled"]
            record = await served.record(run, "promptfloe")
            assert (record["status"], record["files"]) == ("cancelled", [{"path": "a", "contents": "x"}])
            assert (await served.cancel(run, "promptfloe")).status_code == 409
            assert (await served.cancel("run_nope", "promptfloe")).status_code == 404

    asyncio.run(main())


def test_cancel_racing_the_finish_gives_one_end(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            for delay_ms in range(0, 150, 5):
                headers = await served.scripted("promptfloe", [FILE, {"wait_ms": delay_ms}])
                async with served.build(headers) as (run, stream):
                    await anext(stream)
                    cancelled = await served.cancel(run, "promptfloe")
                    rest = [event["type"] async for event in stream]
                assert rest == (["cancelled"] if cancelled.status_code == 200 else ["ready"])
                assert await served.resumed(run, 1) != []

    asyncio.run(main())


def test_the_rate_limit_says_when_to_come_back(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            assert (await served.control("promptfloe", do="fail", what="rate", times=2)).status_code == 200
            headers = await served.bearer("promptfloe")
            for status in (429, 429, 200):
                answer = await served.http.post(
                    "/promptfloe/v1/apps/generate", json={"prompt": "a page"}, headers=headers
                )
                assert answer.status_code == status
                if status == 429:
                    assert answer.headers["Retry-After"] == "2"
                    assert answer.json()["error"]["retryAfterMs"] == 2000

    asyncio.run(main())


def test_events_come_one_by_one(serve: Any) -> None:
    """The second event is written long after the first was read: nothing waits for the end."""

    async def main() -> None:
        async with (
            serve() as served,
            served.build(await served.scripted("promptfloe", [FILE], "hangs")) as (run, stream),
        ):
            assert (await anext(stream))["type"] == "file"
            await served.cancel(run, "promptfloe")
            assert (await anext(stream))["type"] == "cancelled"

    asyncio.run(main())
