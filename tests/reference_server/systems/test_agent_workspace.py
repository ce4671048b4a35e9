"""agent-workspace over real sockets: what its chapter promises, held against the honest server.

At a fiftieth a poll is 60 ms. What a poll tells is judged by order: a log line marks the poll that has seen a change.
"""

from __future__ import annotations

import asyncio
import copy
import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamvet_server.seams import Seams
from streamvet_server.systems.agent_workspace.tokens import EXPIRED_SESSION
from streamvet_server.systems.agent_workspace.view import ACTIVE
from streamvet_server.systems.ghostly.tokens import EXPIRED_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

LOGIN = "/agent-workspace/api/auth/login"
STREAM = "/agent-workspace/api/agent-workspace/stream"
MINE, ALSO_MINE, FOREIGN = "storefront", "billing", "warehouse"


def at(second: int) -> str:
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


def job(run: str, name: str = "job", **other: Any) -> Any:
    given = {"id": f"{run}-{name}", "pipelineRunId": run, "agentType": "implementing", "status": "running"}
    return {**given, "startedAt": at(1), "completedAt": None, "error": None, **other}


def intervention(run: str, name: str, status: str = "pending") -> Any:
    given = {"id": f"{run}-{name}", "pipelineRunId": run, "type": "note", "message": None}
    return {**given, "status": status, "createdAt": at(1)}


def pipeline(run: str, project: str = MINE, **other: Any) -> Any:
    given = {"id": run, "projectId": project, "projectName": project, "status": "testing", "startedAt": at(1)}
    return {**given, "trigger": "push", "triggerData": None, "jobs": [job(run)], "pendingInterventions": [], **other}


def line(name: str, run: str, second: int = 0, **other: Any) -> Any:
    given = {"id": name, "pipelineRunId": run, "jobId": None, "agentType": None, "level": "info"}
    return {**given, "message": name, "metadata": None, "createdAt": at(second), **other}


def ids(documents: Sequence[Any]) -> list[str]:
    return [document["id"] for document in documents]


async def put(served: Any, **state: Any) -> None:
    answer = await served.control("agent-workspace", do="state", state=state)
    assert answer.status_code == 200, answer.text


async def until_logged(stream: AsyncIterator[tuple[str, Any]], name: str) -> list[tuple[str, list[str]]]:
    """The updates and logs up to the poll that tells a line, each as its ids."""
    seen = []
    async for event, document in stream:
        if event != "heartbeat":
            seen.append((event, ids(document)))
        if event == "fleet_logs" and name in ids(document):
            return seen
    raise AssertionError(seen)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that nothing announces; the test's deadline bounds it."""
    while not holds():  # noqa: ASYNC110 -- no event tells it
        await asyncio.sleep(0.005)


def test_login(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            credentials = {"email": "a@example.org", "password": "correct horse battery staple"}
            answer = await served.http.post(LOGIN, json=credentials)
            assert answer.status_code == 200
            assert answer.json() == {"user": {"id": "member_a", "email": "a@example.org"}}
            cookie = answer.headers["Set-Cookie"].split("; ")
            assert cookie[0].startswith("session=")
            assert {"HttpOnly", "Path=/"} <= set(cookie[1:])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"email":"a@example.org","password":"wrong"}', 401),
        (b'{"email":"a@example.org","password":"a different staple"}', 401),
        (b'{"email":"nobody@example.org","password":"wrong"}', 401),
        (b'{"email":"a@example.org"}', 400),
        (b'{"email":7,"password":"x"}', 400),
        (b'{"email":', 400),
        (b"[]", 400),
        (b'{"email":"\\ud800","password":"\\ud800"}', 401),
    ],
)
def test_login_refuses(serve: Any, body: bytes, status: int) -> None:
    async def main() -> None:
        async with serve() as served:
            answer = await served.http.post(LOGIN, content=body)
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
            assert isinstance(answer.json()["error"], str)
            assert "Set-Cookie" not in answer.headers

    asyncio.run(main())


def test_refuses_streams(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            mine = (await served.session())["Cookie"]
            refused = ["", "session=", "session=nonsense", f"session={EXPIRED_SESSION}", f"{mine[:-2]}xx"]
            refused += [f"session={EXPIRED_TOKEN}", f"session={await served.token()}", mine.replace("session", "token")]
            for cookie in refused:
                answer = await served.http.get(STREAM, headers={"Cookie": cookie})
                assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/json"), cookie
                assert answer.json() == {"error": "Unauthorized"}
            bearer = {"Authorization": f"Bearer {mine.removeprefix('session=')}"}
            assert (await served.http.get(STREAM, headers=bearer)).status_code == 401
            assert (await served.http.get("/ghostly/v1/runs", headers=bearer)).status_code == 401

    asyncio.run(main())


def test_head_and_blocks(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            headers = {**await served.session(), "Accept-Encoding": "gzip", "Last-Event-ID": "7"}
            async with served.http.stream("GET", STREAM, headers=headers) as answer:
                assert answer.status_code == 200
                told = {name: answer.headers.get(name) for name in ("content-type", "x-accel-buffering")}
                assert told == {"content-type": "text/event-stream", "x-accel-buffering": "no"}
                assert answer.headers["cache-control"] == "no-cache, no-transform"
                assert answer.headers["transfer-encoding"] == "chunked"
                assert "content-encoding" not in answer.headers
                body = b""
                async for octets in answer.aiter_raw():
                    body += octets
                    if body.count(b"\n\n") == 2:
                        break
                first, second, rest = body.decode().split("\n\n")
                assert first == "event: fleet_snapshot\ndata: []\nretry: 3000"
                assert second.startswith('event: heartbeat\ndata: {"ts":')
                assert rest == ""

    asyncio.run(main())


def test_snapshot(serve: Any) -> None:
    """The newest 50 of the active pipelines of one's own projects, then the newest 300 of their lines."""
    active = [pipeline(f"run-{n}", startedAt=at(n), status=sorted(ACTIVE)[n % len(ACTIVE)]) for n in range(60)]
    others = [
        pipeline("also", ALSO_MINE, startedAt=at(99)),
        pipeline("queued", startedAt=None),
        pipeline("foreign", FOREIGN, startedAt=at(98)),
        pipeline("over", status="completed", startedAt=at(98)),
        pipeline("failed", status="failed", startedAt=at(98)),
        pipeline("null", status=None, startedAt=at(98)),
    ]
    resolved = pipeline("asked", startedAt=at(97))
    resolved["pendingInterventions"] = [intervention("asked", "a", "resolved"), intervention("asked", "b")]
    shown = ["also", "asked", *(f"run-{n}" for n in range(59, 11, -1))]
    logs = [line(f"{run}/{n}", run, n) for n in range(100) for run in ("run-59", "run-58", "run-57", "also")]
    hidden = [line(f"{run}/", run, 3600) for run in ("foreign", "over", "failed", "null", "run-0", "unknown")]

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[*active, *others, resolved], logs=[*logs[::-1], *hidden])
            async with served.workspace() as stream:
                event, snapshot = await anext(stream)
                assert (event, ids(snapshot)) == ("fleet_snapshot", shown)
                assert ids(snapshot[1]["pendingInterventions"]) == ["asked-b"]
                assert snapshot[2:] == active[59:11:-1]
                event, lines = await anext(stream)
                assert (event, len(lines)) == ("fleet_logs", 300)
                assert sorted(ids(lines)) == sorted(ids(logs[100:]))
                assert [one["createdAt"] for one in lines] == [one["createdAt"] for one in logs[100:]]
                assert (await anext(stream))[0] == "heartbeat"
            async with served.workspace("other_credentials") as stream:
                assert [(event, ids(found)) for event, found in [await anext(stream) for _ in range(2)]] == [
                    ("fleet_snapshot", ["foreign"]),
                    ("fleet_logs", ["foreign/"]),
                ]

    asyncio.run(main())


BEFORE = pipeline("run", pendingInterventions=[intervention("run", "a")])
AFTER: list[tuple[str, Any, bool]] = [
    ("another status", {"status": "releasing"}, True),
    ("another job status", {"jobs": [job("run", status="completed")]}, True),
    ("a job more", {"jobs": [job("run"), job("run", "two")]}, True),
    ("another job", {"jobs": [job("run", "two")]}, True),
    ("no job", {"jobs": []}, True),
    ("an intervention more", {"pendingInterventions": [intervention("run", "a"), intervention("run", "b")]}, True),
    ("no intervention", {"pendingInterventions": []}, True),
    ("an intervention resolved", {"pendingInterventions": [intervention("run", "a", "resolved")]}, True),
    ("another intervention", {"pendingInterventions": [intervention("run", "b")]}, False),
    ("an error of a job", {"jobs": [job("run", error="it broke", completedAt=at(3))]}, False),
    ("another start", {"startedAt": at(7)}, False),
    ("other trigger data", {"triggerData": {"by": "hand"}}, False),
    ("another name", {"projectName": "Shop"}, False),
    ("nothing", {}, False),
    ("over", {"status": "completed"}, False),
    ("another's project", {"projectId": FOREIGN}, False),
    ("another of my projects", {"projectId": ALSO_MINE}, False),
]


@pytest.mark.parametrize(("change", "told"), [row[1:] for row in AFTER], ids=[row[0] for row in AFTER])
def test_what_a_fingerprint_covers(serve: Any, change: Any, told: bool) -> None:
    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[BEFORE, pipeline("mark")])
            async with served.workspace() as stream:
                assert ids((await anext(stream))[1]) == ["run", "mark"]
                await put(served, pipelines=[{**BEFORE, **change}, pipeline("mark")])
                await put(served, logs=[line("seen", "mark")])
                updates = [("fleet_update", ["run"])] if told else []
                assert await until_logged(stream, "seen") == [*updates, ("fleet_logs", ["seen"])]

    asyncio.run(main())


def test_pipelines_that_come_go_and_come_back(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            old, new = pipeline("old"), pipeline("new", startedAt=at(2))
            await put(served, pipelines=[old])
            async with served.workspace() as stream:
                assert ids((await anext(stream))[1]) == ["old"]
                await put(served, pipelines=[old, new])
                assert (await anext(stream)) == ("fleet_update", [new])
                await put(served, pipelines=[{**old, "status": "failed"}, new], logs=[line("gone", "new")])
                assert await until_logged(stream, "gone") == [("fleet_logs", ["gone"])]
                await put(served, pipelines=[old, new])
                assert (await anext(stream)) == ("fleet_update", [old])

    asyncio.run(main())


def test_an_update_has_a_pipeline_once_and_as_it_is_now(serve: Any) -> None:
    stages = ["researching", "architecting", "designing", "implementing"]

    async def main() -> None:
        async with serve(scale=0.1) as served:
            await put(served, pipelines=[pipeline("run")])
            async with served.workspace() as stream:
                assert (await anext(stream))[0] == "fleet_snapshot"
                for stage in stages:
                    await put(served, pipelines=[pipeline("run", status=stage)])
                seen: list[str] = []
                while not seen or seen[-1] != stages[-1]:
                    event, documents = await anext(stream)
                    if event == "fleet_update":
                        assert len(documents) == 1
                        seen.append(documents[0]["status"])
                assert seen == [stage for stage in stages if stage in seen]

    asyncio.run(main())


def test_the_limit_holds_at_every_poll(serve: Any) -> None:
    """With 51, the oldest is not shown until another one has gone, and neither are its lines."""
    many = [pipeline(f"run-{n}", startedAt=at(n)) for n in range(51)]

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=many)
            async with served.workspace() as stream:
                assert ids((await anext(stream))[1]) == [f"run-{n}" for n in range(50, 0, -1)]
                await put(served, pipelines=[{**many[0], "status": "queued"}, *many[1:]])
                await put(served, logs=[line("late", "run-0"), line("seen", "run-1")])
                assert await until_logged(stream, "seen") == [("fleet_logs", ["seen"])]
                await put(served, pipelines=many[:50])
                assert await until_logged(stream, "late") == [("fleet_update", ["run-0"]), ("fleet_logs", ["late"])]

    asyncio.run(main())


def test_new_lines_come_in_portions_and_none_is_lost(serve: Any) -> None:
    """120 of one pipeline and 10 of another: at most 50 of each in a poll, oldest first."""
    many = [line(f"a{n:03}", "a", n) for n in range(120)]
    few = [line(f"b{n}", "b", n) for n in range(10)]

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("a"), pipeline("b")], logs=[line("old", "a")])
            async with served.workspace() as stream:
                assert [(event, ids(it)) for event, it in [await anext(stream) for _ in range(2)]] == [
                    ("fleet_snapshot", ["a", "b"]),
                    ("fleet_logs", ["old"]),
                ]
                await put(served, logs=[line("old", "a"), *many[::-1], *few])
                seen = [documents for event, documents in await logs_until(stream, "a119") if event == "fleet_logs"]
                assert [len(documents) for documents in seen] == [60, 50, 20]
                told = [name for documents in seen for name in ids(documents)]
                assert [name for name in told if name.startswith("a")] == ids(many)
                assert [name for name in told if name.startswith("b")] == ids(few)
                await put(served, logs=[line("after", "a", 999), *many[3:], *few])
                assert await until_logged(stream, "after") == [("fleet_logs", ["after"])]

    asyncio.run(main())


async def logs_until(stream: AsyncIterator[tuple[str, Any]], name: str) -> list[tuple[str, Any]]:
    """The events up to the one that has a line."""
    seen = []
    async for event, documents in stream:
        seen.append((event, documents))
        if event == "fleet_logs" and name in ids(documents):
            return seen
    raise AssertionError(seen)


def test_lines_that_were_there_are_not_new(serve: Any) -> None:
    """Replaced, taken away and put back, or told differently: a line is known by its id."""

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("run")], logs=[line("old", "run")])
            async with served.workspace() as stream:
                assert [(await anext(stream))[0] for _ in range(2)] == ["fleet_snapshot", "fleet_logs"]
                await put(served, logs=[])
                await put(served, logs=[line("old", "run", 9, message="other")])
                await put(served, logs=[line("old", "run"), line("one", "run")])
                assert await until_logged(stream, "one") == [("fleet_logs", ["one"])]
                await put(served, logs=[line("one", "run"), line("two", "run")])
                assert await until_logged(stream, "two") == [("fleet_logs", ["two"])]

    asyncio.run(main())


def test_lines_of_others_are_never_told(serve: Any) -> None:
    runs = [pipeline("mine"), pipeline("foreign", FOREIGN), pipeline("over", status="completed")]

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=runs)
            async with served.workspace() as stream:
                assert ids((await anext(stream))[1]) == ["mine"]
                await put(served, logs=[line(run, run) for run in ("foreign", "over", "unknown", "mine")])
                assert await until_logged(stream, "mine") == [("fleet_logs", ["mine"])]

    asyncio.run(main())


def test_access_is_looked_at_in_every_poll(serve: Any) -> None:
    runs = [pipeline("one", MINE), pipeline("two", FOREIGN)]

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=runs, users={"a@example.org": [MINE]})
            async with served.workspace() as stream, served.workspace("other_credentials") as other:
                assert ids((await anext(stream))[1]) == ["one"]
                assert (await anext(other)) == ("fleet_snapshot", [])
                await put(served, users={"a@example.org": [FOREIGN], "b@example.org": [MINE]})
                assert (await anext(stream)) == ("fleet_update", [runs[1]])
                assert (await anext(other)) == ("fleet_update", [runs[0]])
                await put(served, logs=[line("1", "one"), line("2", "two")])
                assert (await until_logged(stream, "2")) == [("fleet_logs", ["2"])]
                assert (await until_logged(other, "1")) == [("fleet_logs", ["1"])]

    asyncio.run(main())


def test_each_connection_has_its_own_place(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            first, second = pipeline("run"), pipeline("run", status="releasing")
            await put(served, pipelines=[first])
            async with served.workspace() as early:
                assert (await anext(early)) == ("fleet_snapshot", [first])
                await put(served, pipelines=[second], logs=[line("one", "run")])
                assert await until_logged(early, "one") == [("fleet_update", ["run"]), ("fleet_logs", ["one"])]
                async with served.workspace() as late:
                    assert [(await anext(late)) for _ in range(2)] == [
                        ("fleet_snapshot", [second]),
                        ("fleet_logs", [line("one", "run")]),
                    ]
                    await put(served, logs=[line("one", "run"), line("two", "run")])
                    for stream in (early, late):
                        assert await until_logged(stream, "two") == [("fleet_logs", ["two"])]

    asyncio.run(main())


def test_heartbeats(serve: Any) -> None:
    """With every fifth poll, behind what it tells, also where each of them tells something."""
    seams = Seams(sift=lambda _scene, by, rows, chosen: rows if by == "changed" else chosen)

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            await put(served, pipelines=[pipeline("run")])
            async with served.workspace() as stream:
                assert (await anext(stream))[0] == "fleet_snapshot"
                updates, beats = [0], []
                async for event, document in stream:
                    if event == "fleet_update":
                        updates[-1] += 1
                        continue
                    assert (event, list(document)) == ("heartbeat", ["ts"])
                    beats.append(document["ts"])
                    if len(beats) == 4:
                        break
                    updates.append(0)
            assert all(type(ts) is int for ts in beats)
            assert beats == sorted(beats)
            assert abs(beats[-1] - time.time() * 1000) < 10_000
            assert all(1 <= count <= 5 for count in updates)  # a late poll is not made up for
            assert sum(updates) > len(beats)

    asyncio.run(main())


def test_what_the_seams_are_asked(serve: Any) -> None:
    """Each choice, each wait and each failure under its name, so that a fault can take hold of it."""
    choices, waits, failures = set(), set(), set()

    def sift(_scene: Any, by: str, rows: Sequence[Any], chosen: Sequence[Any]) -> Sequence[Any]:
        choices.add((by, len(rows), len(chosen)))
        return chosen

    def clock(_scene: Any, wait: str, seconds: float) -> float:
        waits.add((wait, round(seconds, 3)))
        return seconds

    def access(_scene: Any, check: str, refusal: Any) -> Any:
        failures.add((check, refusal is None))
        return refusal

    seams = Seams(sift=sift, clock=clock, access=access)
    runs = [pipeline("run", pendingInterventions=[intervention("run", "a", "resolved")]), pipeline("foreign", FOREIGN)]
    over = pipeline("over", status="failed")

    async def main() -> None:
        async with serve(seams=lambda _profile: seams) as served:
            await put(served, pipelines=[*runs, over], logs=[line("old", "run"), line("other", "foreign")])
            await served.control("agent-workspace", do="fail", what="poll")
            async with served.workspace() as stream:
                assert [(await anext(stream))[0] for _ in range(2)] == ["fleet_snapshot", "fleet_logs"]
                await put(served, logs=[line(f"{n}", "run", n) for n in range(60)])
                assert len(await until_logged(stream, "59")) == 2

    asyncio.run(main())
    shown = {("pending", 1, 0), ("pending", 0, 0), ("status", 3, 2), ("project", 2, 1), ("newest", 1, 1)}
    lines = {("logged", 3, 1), ("latest", 1, 1), ("new", 60, 60), ("batch", 60, 50), ("new", 60, 10), ("batch", 10, 10)}
    assert choices >= {*shown, *lines, ("changed", 1, 0)}
    polls = {("poll", 0.06), ("first-ping", 0.3), ("ping", 0.3), ("quiet", 0.0)}
    assert waits == {*polls, ("answer", 0.0), ("cap", 6.0)}
    asked = {("body", True), ("credentials", True)}
    assert failures == {*asked, ("load", True), ("poll", False), ("poll", True)}


def test_a_failed_load_is_told_and_ends_the_stream(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("run")])
            assert (await served.control("agent-workspace", do="fail", what="load")).status_code == 200
            async with served.workspace() as stream:
                assert [it async for it in stream] == [("error", {"message": "Failed to load initial state"})]
            async with served.workspace() as stream:
                assert (await anext(stream)) == ("fleet_snapshot", [pipeline("run")])

    asyncio.run(main())


def test_a_failed_poll_is_left_out(serve: Any) -> None:
    """Ten polls, which are two heartbeats, tell nothing; the next one tells what has changed since."""

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("run")])
            await served.control("agent-workspace", do="fail", what="poll", times=10)
            async with served.workspace() as stream:
                assert (await anext(stream))[0] == "fleet_snapshot"
                await put(served, pipelines=[pipeline("run", status="releasing")], logs=[line("one", "run")])
                names = [event for event, _ in await logs_until(stream, "one")]
                assert names == ["heartbeat", "heartbeat", "fleet_update", "fleet_logs"]

    asyncio.run(main())


def test_a_stream_ends_after_five_minutes(serve: Any) -> None:
    """At a 500th: twenty heartbeats, a clean end, and a new snapshot for who comes back."""

    async def main() -> None:
        async with serve(scale=0.002) as served:
            async with served.workspace() as stream:
                names = [event async for event, _ in stream]
            assert (names[0], set(names[1:])) == ("fleet_snapshot", {"heartbeat"})
            assert len(names[1:]) <= 20
            async with served.workspace() as stream:
                assert (await anext(stream)) == ("fleet_snapshot", [])

    asyncio.run(main())


def test_reset_ends_streams_and_keeps_the_accounts(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("run")], logs=[line("one", "run")], users={"a@example.org": [MINE]})
            session = await served.session()
            async with served.workspace() as stream:
                assert [(await anext(stream))[0] for _ in range(2)] == ["fleet_snapshot", "fleet_logs"]
                assert (await served.control("agent-workspace", do="reset")).status_code == 200
                assert [it async for it in stream if it[0] != "heartbeat"] == []
            async with served.http.stream("GET", STREAM, headers=session) as answer:
                assert answer.status_code == 200
            async with served.workspace("other_credentials") as stream:
                assert (await anext(stream)) == ("fleet_snapshot", [])
                await put(served, pipelines=[pipeline("foreign", FOREIGN)], logs=[line("one", "foreign")])
                assert await until_logged(stream, "one") == [("fleet_update", ["foreign"]), ("fleet_logs", ["one"])]

    asyncio.run(main())


def test_sigterm_ends_streams_cleanly(spawn: Any) -> None:
    async def main() -> None:
        process = spawn()
        async with process.client() as served, served.workspace() as stream:
            assert (await anext(stream))[0] == "fleet_snapshot"
            process.popen.send_signal(signal.SIGTERM)
            # A body cut short would raise here: httpx checks the last chunk.
            assert [it async for it in stream if it[0] != "heartbeat"] == []
        assert await asyncio.to_thread(process.popen.wait, 10) == 0

    asyncio.run(main())


def test_readers_that_leave_are_forgotten(serve: Any) -> None:
    async def main() -> None:
        async with serve() as served, served.workspace() as stream:
            assert (await anext(stream))[0] == "fleet_snapshot"
            before = len(asyncio.all_tasks())

            async def visit() -> None:
                async with served.workspace() as other:
                    await anext(other)

            for _ in range(10):
                await asyncio.gather(*(visit() for _ in range(20)))
            await until(lambda: len(asyncio.all_tasks()) <= before + 20)  # idle connections that are kept
            assert (await anext(stream))[0] == "heartbeat"

    asyncio.run(main())


def test_a_stalled_reader_holds_up_nobody_and_loses_nothing(serve: Any) -> None:
    """16 MiB of lines: more than all buffers on the way of a reader that does not read."""
    text = "x" * 8192

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("run")])
            host, port = served.url.removeprefix("http://").split(":")
            cookie = (await served.session())["Cookie"]
            reader, writer = await asyncio.open_connection(host, int(port), limit=2**16)
            writer.write(f"GET {STREAM} HTTP/1.0\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
            await reader.readuntil(b"fleet_snapshot")  # it reads so far, and no further
            logs = [line(f"line {n}", "run", n, message=text) for n in range(2_000)]
            async with served.workspace() as stream:
                assert (await anext(stream))[0] == "fleet_snapshot"
                await put(served, logs=logs)
                told = [name for _, names in await until_logged(stream, "line 1999") for name in names]
                assert told == ids(logs)
            body = b""
            while b'"line 1999"' not in body:
                body += await reader.read(2**20)
            writer.close()
            told = [
                name
                for block in body.decode().split("\n\n")
                if block.startswith("event: fleet_logs") and '"line 1999"' not in block
                for name in ids(json.loads(block.partition("data: ")[2]))
            ]
            assert told == ids(logs[:1950])

    asyncio.run(main())


def test_without_control_there_is_a_fleet_to_look_at(serve: Any) -> None:
    async def main() -> None:
        async with serve(control=False) as served:
            assert (await served.control("agent-workspace", do="describe")).status_code == 404
            async with served.workspace() as stream, served.workspace("other_credentials") as other:
                event, snapshot = await anext(stream)
                assert (event, {one["projectId"] for one in snapshot}) == ("fleet_snapshot", {MINE, ALSO_MINE})
                assert {one["projectId"] for one in (await anext(other))[1]} == {FOREIGN}
                statuses = set()
                async for name, documents in stream:
                    if name == "fleet_update":
                        statuses |= {one["status"] for one in documents}
                    if {"queued", "awaiting_approval"} <= statuses:  # one has come to its end, and another has begun
                        break
                assert statuses <= ACTIVE

    asyncio.run(main())


def test_describe(serve: Any) -> None:
    async def main() -> None:
        async with serve(scale=0.05) as served:
            answer = await served.control("agent-workspace", do="describe")
            told = {"control": 1, "profile": "agent-workspace", "time_scale": 0.05, "can": ["state", "fail", "reset"]}
            assert (answer.status_code, answer.json()) == (200, told)
            assert (await served.control("agent-workspace", do="fail", what="store")).status_code == 400
            assert (await served.control("agent-workspace", do="script", steps=[], outcome="fails")).status_code == 400

    asyncio.run(main())


def changed(document: Any, path: Any, value: Any) -> Any:
    """The document with another value at a path; without the key where the value is `...`."""
    document = copy.deepcopy(document)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


RUN = pipeline("run", pendingInterventions=[intervention("run", "a")])
BAD_STATES: list[tuple[Any, str]] = [
    (None, "`state`"),
    ([], "`state`"),
    ({}, "`state`"),
    ({"pipeline": []}, "`state`"),
    ({"pipelines": {}}, "pipelines: expected an array"),
    ({"pipelines": [7]}, "pipelines[0]: expected an object"),
    ({"pipelines": [RUN, RUN]}, "pipelines: the id 'run' is there twice"),
    ({"logs": [line("a", "run"), line("a", "run")]}, "logs: the id 'a' is there twice"),
    ({"users": []}, "users: expected an object"),
    ({"users": {"a@example.org": "storefront"}}, "users.a@example.org: expected an array"),
    ({"users": {"a@example.org": [7]}}, "users.a@example.org[0]: expected a string"),
    *(
        ({"pipelines": [changed(RUN, path, value)]}, f"pipelines[0]{where}")
        for path, value, where in [
            (["id"], 7, ".id: expected a string"),
            (["status"], 7, ".status: expected a string or null"),
            (["status"], ..., ": expected the key status"),
            (["triggerData"], ..., ": expected the key triggerData"),
            (["startedAt"], "yesterday", ".startedAt: expected a time or null"),
            (["startedAt"], "2026-01-01T00:00:00", ".startedAt: expected a time or null"),
            (["startedAt"], "2026-02-30T00:00:00Z", ".startedAt: expected a time or null"),
            (["startedAt"], "20260101T000000Z", ".startedAt: expected a time or null"),
            (["jobs"], None, ".jobs: expected an array"),
            (["jobs", 0, "error"], 7, ".jobs[0].error: expected a string or null"),
            (["jobs", 0, "pipelineRunId"], "else", ".jobs[0].pipelineRunId: expected the pipeline's own id"),
            (["jobs"], [job("run"), job("run")], ".jobs: the id 'run-job' is there twice"),
            (["pendingInterventions", 0, "type"], "stop", ".pendingInterventions[0].type: expected one of"),
            (["pendingInterventions", 0, "status"], None, ".pendingInterventions[0].status: expected one of"),
            (["pendingInterventions", 0, "createdAt"], None, ".pendingInterventions[0].createdAt: expected a time"),
        ]
    ),
    *(
        ({"logs": [changed(line("a", "run"), path, value)]}, f"logs[0]{where}")
        for path, value, where in [
            (["level"], "debug", ".level: expected one of"),
            (["metadata"], [], ".metadata: expected an object or null"),
            (["createdAt"], 7, ".createdAt: expected a time"),
            (["message"], ..., ": expected the key message"),
        ]
    ),
]


@pytest.mark.parametrize(("state", "error"), BAD_STATES)
def test_refuses_states(serve: Any, state: Any, error: str) -> None:
    """And takes nothing of them."""

    async def main() -> None:
        async with serve() as served:
            await put(served, pipelines=[pipeline("kept")])
            given = {"users": {}, **state} if isinstance(state, dict) and state else state
            answer = await served.control("agent-workspace", do="state", state=given)
            assert answer.status_code == 400
            assert error in answer.json()["error"]
            async with served.workspace() as stream:
                assert ids((await anext(stream))[1]) == ["kept"]

    asyncio.run(main())
