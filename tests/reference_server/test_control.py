"""The control interface: what it answers, refuses and forgets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

EMIT: dict[str, Any] = {"ghostly": {"type": "recon", "payload": {}}, "promptfloe": {"type": "file", "path": "a"}}


@pytest.mark.parametrize("profile", EMIT)
def test_describe(serve: Any, profile: str) -> None:
    async def main() -> None:
        async with serve(scale=0.05) as served:
            answer = await served.control(profile, do="describe")
            told = {"control": 1, "profile": profile, "time_scale": 0.05, "can": ["script", "fail", "reset"]}
            assert (answer.status_code, answer.json()) == (200, told)

    asyncio.run(main())


BAD_STEPS: list[tuple[str, Any]] = [
    ("ghostly", {"emit": {"type": "recon"}}),
    ("ghostly", {"emit": {"payload": {}}}),
    ("ghostly", {"emit": {"type": "run_end", "payload": {}}}),
    ("ghostly", {"emit": {"type": "recon", "payload": {}, "seq": 1}}),
    ("ghostly", {"emit": {"type": "recon", "payload": {}, "stepIndex": -1}}),
    ("ghostly", {"emit": {"type": "recon", "payload": {}, "stepIndex": True}}),
    ("ghostly", {"emit": {"type": "recon", "payload": {}}, "wait_ms": 1}),
    ("promptfloe", {"emit": {"path": "a"}}),
    ("promptfloe", {"emit": {"type": "ready"}}),
    ("promptfloe", {"emit": {"type": "file", "id": 1}}),
    ("promptfloe", {"wait_ms": -1}),
    ("promptfloe", {"wait_ms": True}),
    ("promptfloe", {"wait_ms": "1"}),
    ("promptfloe", {}),
    ("promptfloe", 7),
]


@pytest.mark.parametrize(("profile", "step"), BAD_STEPS)
def test_refuses_steps(serve: Any, profile: str, step: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.control(profile, do="script", steps=[step], outcome="succeeds")
            assert answer.status_code == 400
            assert answer.json()["error"].startswith("steps[0]")

    asyncio.run(main())


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"do": "dance"},
        {"do": ["script"]},
        {"do": "script", "steps": []},
        {"do": "script", "steps": {}, "outcome": "succeeds"},
        {"do": "script", "steps": [], "outcome": "explodes"},
        {"do": "publish", "events": []},
        {"do": "state", "state": {}},
        {"do": "fail", "what": "poll"},
        {"do": "fail", "what": "rate", "times": 0},
        {"do": "fail", "what": "rate", "times": True},
    ],
)
def test_refuses_requests(serve: Any, document: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.post("/promptfloe/_conformance", json=document)
            assert answer.status_code == 400
            assert isinstance(answer.json()["error"], str)

    asyncio.run(main())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"do":NaN}', b"[" * 100_000, b'{"do":1e999}'])
def test_refuses_what_is_not_json(serve: Any, body: bytes) -> None:
    async def main() -> None:
        async with serve() as served:
            assert (await served.http.post("/ghostly/_conformance", content=body)).status_code == 400

    asyncio.run(main())


def test_is_absent_unless_asked_for(serve: Any) -> None:
    async def main() -> None:
        async with serve(control=False) as served:
            assert (await served.control("ghostly", do="describe")).status_code == 404
            async with served.build({"Streamvet-Script": "nope", **await served.bearer("promptfloe")}) as (_, stream):
                assert (await anext(stream))["type"] == "plan"

    asyncio.run(main())


def test_a_script_can_be_started_again_until_reset(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = await served.scripted("promptfloe", [{"emit": EMIT["promptfloe"]}], "fails")
            for _ in range(2):
                async with served.build(headers) as (run, stream):
                    assert [event["type"] async for event in stream] == ["file", "error"]
            assert (await served.control("promptfloe", do="reset")).status_code == 200
            request = {"json": {"prompt": "a"}, "headers": headers}
            assert (await served.http.post("/promptfloe/v1/apps/generate", **request)).status_code == 400
            answer = await served.http.get(f"/promptfloe/v1/runs/{run}", headers=await served.bearer("promptfloe"))
            assert answer.status_code == 404

    asyncio.run(main())


def test_reset_ends_streams_and_leaves_the_other_system_and_the_tokens(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run([{"emit": EMIT["ghostly"]}], "hangs")
            kept = await served.scripted("promptfloe", [{"emit": EMIT["promptfloe"]}])
            async with served.watch(run) as stream:
                assert (await anext(stream))["event"] == "status"
                assert (await anext(stream))["event"] == "assist"
                await served.control("ghostly", do="reset")
                assert [block async for block in stream] == []
            assert (await served.http.get("/ghostly/v1/runs", headers=await served.bearer())).json() == []
            async with served.build(kept) as (_, events):
                assert [event["type"] async for event in events] == ["file", "ready"]

    asyncio.run(main())


def test_waits_are_scaled(serve: Any) -> None:
    async def main() -> None:
        async with serve(scale=0.001) as served:
            loop = asyncio.get_running_loop()
            headers = await served.scripted("promptfloe", [{"wait_ms": 200_000}])
            begin = loop.time()
            async with served.build(headers) as (_, stream):
                assert [event["type"] async for event in stream] == ["ready"]
            assert loop.time() - begin == pytest.approx(0.2, abs=0.1)

    asyncio.run(main())
