"""ghostly over real sockets: what its chapter promises, held against the honest server."""

from __future__ import annotations

import asyncio
import json
import random
import re
from typing import Any

import pytest

from streamvet_server.systems.ghostly.tokens import EXPIRED_TOKEN
from streamvet_server.systems.ghostly.users import ADMIN_PASSWORD


def emits(count: int, **payload: Any) -> list[Any]:
    return [
        {"emit": {"type": "loop_state", "payload": {"state": "executing", "n": n, **payload}}} for n in range(count)
    ]


def seqs(seen: list[dict[str, str]]) -> list[int]:
    return [json.loads(block["data"])["seq"] for block in seen if block["event"] == "assist"]


def shape(seen: list[dict[str, str]]) -> list[str]:
    """The names of the events, in short."""
    told = []
    for block in seen:
        document = json.loads(block["data"])
        told.append(block["event"] if block["event"] in ("ping", "end") else document.get("status") or document["type"])
    return told


async def until(holds: Any) -> None:
    """Wait for a condition that nothing announces; the test's deadline bounds it."""
    while not holds():  # noqa: ASYNC110 -- no event tells it
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"email":"a@example.org","password":"wrong"}', 401),
        (b'{"email":"nobody@example.org","password":"wrong"}', 401),
        (b'{"email":"a@example.org"}', 400),
        (b'{"email":7,"password":"x"}', 400),
        (b'{"email":', 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b'{"email":"\\ud800","password":"\\ud800"}', 401),
    ],
)
def test_login_refuses(serve: Any, body: bytes, status: int) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.post("/ghostly/v1/auth/login", content=body)
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
            assert answer.json()["ok"] is False
            assert isinstance(answer.json()["error"], str)

    asyncio.run(main())


def test_accounts(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            http = served.http
            assert (await http.get("/ghostly/health")).json() == {"status": "ok"}
            mine = await http.get("/ghostly/v1/auth/me", headers=await served.bearer())
            assert mine.json() == {"ok": True, "user": {"id": "user_a", "email": "a@example.org", "role": "user"}}
            new = {"email": "new@example.org", "password": "new"}
            register = "/ghostly/v1/auth/register"
            assert (await http.post(register, json=new)).status_code == 401
            assert (await http.post(register, json=new, headers=await served.bearer())).status_code == 403
            login = {"email": "admin@example.org", "password": ADMIN_PASSWORD}
            token = (await http.post("/ghostly/v1/auth/login", json=login)).json()["token"]
            admin = {"Authorization": f"Bearer {token}"}
            assert (await http.post(register, json={"email": "x"}, headers=admin)).status_code == 400
            assert (await http.post(register, json=new, headers=admin)).status_code == 201
            assert (await http.post(register, json=new, headers=admin)).status_code == 409
            assert (await http.post("/ghostly/v1/auth/login", json=new)).status_code == 200

    asyncio.run(main())


BASE = "http://127.0.0.1:9"
FINE: dict[str, Any] = {"baseUrl": BASE, "project": "demo", "steps": [{"action": "goto", "url": "/a"}]}


@pytest.mark.parametrize(
    "body",
    [
        {key: value for key, value in FINE.items() if key != "project"},
        {**FINE, "project": "no-such"},
        {**FINE, "project": "other-demo"},
        {**FINE, "project": 7},
        {**FINE, "baseUrl": "demo"},
        {**FINE, "baseUrl": "http://[::1"},
        {**FINE, "steps": []},
        {**FINE, "steps": FINE["steps"] * 26},
        {**FINE, "steps": [{"action": "fly"}]},
        {**FINE, "steps": [{"action": "goto"}]},
        {**FINE, "steps": [{"action": "goto", "url": "http://127.0.0.2:9/"}]},
        {**FINE, "steps": [{"action": "waitForSelector", "selector": "#a", "timeoutMs": 120_001}]},
        {**FINE, "defaultTimeoutMs": 0},
        {**FINE, "assist": {"v2": False}},
        {**FINE, "assisted": {"goal": 1}},
        [],
    ],
)
def test_start_refuses(serve: Any, body: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.post("/ghostly/v1/run", json=body, headers=await served.bearer())
            assert (answer.status_code, answer.json()["ok"]) == (400, False)

    asyncio.run(main())


def test_starts_at_once_and_is_active(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run(emits(1), "hangs")
            record = await served.record(run)
            assert (record["status"], record["durationMs"]) == ("running", 0)
            assert (await served.http.post("/ghostly/v1/run", json=FINE)).status_code == 401

    asyncio.run(main())


def test_head_and_frames(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run()
            path = f"/ghostly/v1/runs/{run}/events/stream?token={await served.token()}"
            async with served.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
                told = {
                    name: answer.headers.get(name) for name in ("content-type", "cache-control", "content-encoding")
                }
                assert told == {
                    "content-type": "text/event-stream",
                    "cache-control": "no-cache",
                    "content-encoding": None,
                }
                assert answer.headers["x-accel-buffering"] == "no"
                assert answer.headers["access-control-allow-origin"] == "*"
                assert answer.headers["transfer-encoding"] == "chunked"
                body = b"".join([octets async for octets in answer.aiter_raw()]).decode()
            *frames, rest = body.split("\n\n")
            assert rest == ""
            for number, frame in enumerate(frames, 1):
                event, data, id_ = frame.split("\n")
                assert event == f"event: {json.loads(data.removeprefix('data: '))['kind']}"
                assert id_ == f"id: {number}"

    asyncio.run(main())


def test_run_live_and_over(serve: Any) -> None:
    bodies = {"pass": "succeeds", "fail": "fails"}

    async def main() -> None:
        async with serve() as served:
            from streamvet_server.listing import accounts  # noqa: PLC0415

            inputs = accounts()["ghostly"]["inputs"]["run"]
            for status, kind in bodies.items():
                run = await served.run(body=inputs[kind])
                live = await served.seen(run)
                told = shape(live)
                assert [told[0], *told[-3:]] == ["running", "run_end", status, "end"]
                over = await served.seen(run)
                assert shape(over) == [status, *told[1:-2], "end"]
                record = await served.record(run)
                assert record["status"] == status
                shown = [json.loads(block["data"]) for block in live if block["event"] == "assist"]
                assert record["events"] == [
                    {key: value for key, value in event.items() if key != "kind"} for event in shown
                ]
                assert "hunter2" not in json.dumps(shown)

    asyncio.run(main())


def test_assisted_run(serve: Any) -> None:
    body = {**FINE, "assist": {"v2": True, "goal": "see it"}, "steps": [{"action": "goto", "url": "/heals"}]}

    async def main() -> None:
        async with serve() as served:
            told = shape(await served.seen(await served.run(body=body)))
            steps = [
                "step_start",
                "step_failure",
                "heal_start",
                "heal_action",
                "heal_success",
                "step_start",
                "step_success",
            ]
            begin = ["recon", "memory_miss", "horizon_start", "plan_chunk", "loop_state"]
            close = ["horizon_end", "victory_check", "run_end", "judge_verdict", "pass", "end"]
            assert told == ["running", *begin, *steps, *close]

    asyncio.run(main())


def test_refuses_streams(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run(emits(1), "hangs")
            mine, other = await served.token(), await served.token("other_credentials")
            for path, status in (
                (f"/ghostly/v1/runs/{run}/events/stream", 401),
                (f"/ghostly/v1/runs/{run}/events/stream?token=", 401),
                (f"/ghostly/v1/runs/{run}/events/stream?token={mine[:-2]}xx", 401),
                (f"/ghostly/v1/runs/{run}/events/stream?token={EXPIRED_TOKEN}", 401),
                (f"/ghostly/v1/runs/nope/events/stream?token={mine}", 404),
                (f"/ghostly/v1/runs/{run}/events/stream?token={other}", 404),
                (f"/ghostly/v1/runs/{run}?token={other}", 404),
            ):
                answer = await served.http.get(path)
                told = (answer.status_code, answer.headers["Content-Type"], answer.json()["ok"])
                assert told == (status, "application/json", False), path
            headers = await served.bearer(who="other_credentials")
            assert (await served.http.post(f"/ghostly/v1/runs/{run}/cancel", headers=headers)).status_code == 404
            assert (await served.record(run))["status"] == "running"

    asyncio.run(main())


def test_readers_joining_at_random_moments_see_the_same(serve: Any) -> None:
    """Bursts and pauses; each reader joins when the first one has seen so many events."""
    rng = random.Random(7)
    steps: list[Any] = []
    for _ in range(60):
        steps += emits(rng.choice([1, 2, 30]))
        steps.append({"wait_ms": rng.choice([0, 50, 200])})
    total = sum("emit" in step for step in steps) + 1  # and run_end

    async def main() -> None:
        async with serve() as served:
            run = await served.run(steps)
            others = []
            async with served.watch(run) as stream:
                seen = []
                async for block in stream:
                    seen.append(block)
                    if rng.random() < 0.1:
                        others.append(asyncio.create_task(served.seen(run)))
            everyone = [seen, *await asyncio.gather(*others)]
            assert len(everyone) > 32
            for one in everyone:
                assert seqs(one) == list(range(1, total + 1))
                assert shape(one)[-1] == "end"

    asyncio.run(main())


def test_readers_of_runs_that_end_while_they_join(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            await served.token()

            async def one(delay_ms: int) -> None:
                run = await served.run([{"wait_ms": delay_ms}])
                seen = await served.seen(run)
                assert shape(seen) in (["running", "run_end", "pass", "end"], ["pass", "run_end", "end"])

            for start in range(0, 200, 20):
                await asyncio.gather(*(one(n) for n in range(start, start + 20)))

    asyncio.run(main())


def test_cancel(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run(emits(3), "hangs")
            readers = [asyncio.create_task(served.seen(run)) for _ in range(4)]
            async with served.watch(run) as stream:  # everything so far was seen by one
                async for block in stream:
                    if block["event"] == "assist" and json.loads(block["data"])["seq"] == 3:
                        break
            answer = await served.cancel(run)
            assert (answer.status_code, answer.json()) == (200, {"ok": True, "id": run, "status": "cancelling"})
            for seen in await asyncio.gather(*readers):
                assert shape(seen)[-3:] == ["run_end", "fail", "end"]
                assert json.loads(seen[-3]["data"])["payload"] == {"cancelled": True, "source": "user"}
                assert seqs(seen) == [1, 2, 3, 4]
            assert (await served.cancel(run)).status_code == 409
            assert (await served.cancel("nope")).status_code == 404
            assert shape(await served.seen(run))[-2:] == ["run_end", "end"]

    asyncio.run(main())


def test_cancel_racing_the_finish(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            for delay_ms in range(0, 200, 5):
                run = await served.run([{"wait_ms": delay_ms}])
                cancelled, seen = await asyncio.gather(served.cancel(run), served.seen(run))
                told = shape(seen)
                assert told.count("run_end") == 1
                assert cancelled.status_code in (200, 409)
                assert (await served.record(run))["status"] == ("fail" if cancelled.status_code == 200 else "pass")

    asyncio.run(main())


def test_pings(serve: Any) -> None:
    """15 s at a fiftieth: every 0.3 s of an active run, whatever else is sent; none after it."""

    async def main() -> None:
        async with serve() as served:
            loop = asyncio.get_running_loop()
            busy = [{"wait_ms": 2_000}, *emits(1)] * 33  # 66 s: four pings
            run = await served.run(busy)
            beats, seen = [], []
            async with served.watch(run) as stream:
                begin = loop.time()
                async for block in stream:
                    seen.append(block)
                    if block["event"] == "ping":
                        assert re.fullmatch("[0-9]{13}", block["data"])
                        assert "id" not in block
                        beats.append(loop.time() - begin)
            assert len(beats) == 4
            assert [round(beat / 0.3) for beat in beats] == [1, 2, 3, 4]
            assert shape(seen)[-1] == "end"
            assert "ping" not in shape(await served.seen(run))

    asyncio.run(main())


def test_payloads_arrive_intact(serve: Any) -> None:
    texts = [
        "a\r\nb\rc\nd",
        "\u2028\u2029\u0085\x0b\x0c\x1c",
        "\ufeffdata: x\n\n",
        "👩‍🚀é\u0301\x00",
        "\ud800",
        "x" * 65536,
    ]
    payload = {"texts": texts, "numbers": [2**53 + 1, -0.0, 1e300], "deep": json.loads("[" * 300 + "]" * 300)}

    async def main() -> None:
        async with serve() as served:
            content = json.dumps(
                {"do": "script", "outcome": "succeeds", "steps": [{"emit": {"type": "recon", "payload": payload}}]}
            )
            answer = await served.http.post("/ghostly/_conformance", content=content)
            headers = {"Streamvet-Script": answer.json()["script"], **await served.bearer()}
            run = (await served.http.post("/ghostly/v1/run", json=FINE, headers=headers)).json()["id"]
            for _ in range(2):
                seen = await served.seen(run)
                assert json.loads(seen[1]["data"])["payload"] == payload
            assert not set("\u2028\u2029\u0085") & set(seen[1]["data"])

    asyncio.run(main())


def test_list(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            runs = [await served.run([]) for _ in range(3)]
            mine, other = await served.bearer(), await served.bearer(who="other_credentials")
            get = served.http.get
            listed = (await get("/ghostly/v1/runs", headers=mine)).json()
            assert [record["id"] for record in listed] == runs[::-1]
            assert all("events" not in record for record in listed)
            assert len((await get("/ghostly/v1/runs?project=demo", headers=mine)).json()) == 3
            assert (await get("/ghostly/v1/runs?project=else", headers=mine)).json() == []
            assert (await get("/ghostly/v1/runs", headers=other)).json() == []

    asyncio.run(main())


def test_a_stalled_reader_holds_up_nobody_and_loses_nothing(serve: Any) -> None:
    """8 MiB of events: more than all buffers on the way of a reader that does not read."""

    async def main() -> None:
        async with serve() as served:
            run = await served.run([*emits(1000, text="x" * 8192), {"wait_ms": 0}])
            path = f"/ghostly/v1/runs/{run}/events/stream?token={await served.token()}"
            host, port = served.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port), limit=2**16)
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            await reader.readuntil(b"event: assist")  # it reads so far, and no further
            assert seqs(await served.seen(run)) == list(range(1, 1002))
            body = await reader.read(-1)
            writer.close()
            assert [int(number) for number in re.findall(rb'"seq":(\d+)', body)] == list(range(1, 1002))
            assert body.endswith(b"\n\n")

    asyncio.run(main())


def test_a_reader_that_leaves_is_forgotten(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            run = await served.run(emits(2), "hangs")
            before = len(asyncio.all_tasks())

            async def visit() -> None:
                async with served.watch(run) as stream:
                    async for _ in stream:
                        break

            for _ in range(10):
                await asyncio.gather(*(visit() for _ in range(20)))
            await until(lambda: len(asyncio.all_tasks()) <= before + 20)  # idle connections that are kept
            assert (await served.record(run))["status"] == "running"
            assert (await served.cancel(run)).status_code == 200

    asyncio.run(main())


def test_a_store_failure_is_told_and_happens_once(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            assert (await served.control("ghostly", do="fail", what="store")).status_code == 200
            headers = await served.bearer()
            answer = await served.http.post("/ghostly/v1/run", json=FINE, headers=headers)
            assert (answer.status_code, answer.json()["ok"]) == (500, False)
            assert (await served.http.post("/ghostly/v1/run", json=FINE, headers=headers)).status_code == 202

    asyncio.run(main())


def test_preflight_and_unknown_paths(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.options("/ghostly/v1/run")
            assert answer.status_code == 204
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert (await served.http.get("/ghostly/v1/run")).status_code == 404

    asyncio.run(main())
