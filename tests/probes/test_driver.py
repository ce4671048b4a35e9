"""What the driver makes of a candidate's answers, beyond what the campaigns of the other tests show."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.contract.target import target_of
from streamvet.probes.bounds import retry_s
from streamvet.probes.candidate import Candidate
from streamvet.probes.cursors import cursor_behind
from streamvet.probes.driver import Driver
from streamvet.probes.runs import Cursor, Run
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, Seen, Tape
from streamvet.trace import Ending, Exchange, Head

from .test_misbehaving import answer, target_for

BUILDS = Path(__file__).resolve().parents[1] / "candidates" / "builds"

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOKEN = {"token": "longenough"}
STIMULUS = {"name": "test", "kind": "run", "outcome": "succeeds", "script": None, "input": "succeeds"}


async def started(*answers: bytes, bare: bool = False) -> tuple[str | None, tuple[Exchange, ...]]:
    """The id of a run, and the exchanges of a start to which these answers are given, one after another.

    `bare`: nobody says a body of it.
    """
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    target, profile = target_for(url, credentials=TOKEN, other_credentials=TOKEN)
    if bare:
        start = replace(profile.operations["start:run"], body=None)
        profile = replace(profile, operations={**profile.operations, start.name: start})
        target = replace(target, inputs={})
    async with server, Recorder(profile, Secrets()) as recorder:
        candidate, tape = Candidate(target, profile, 1.0, recorder), Tape(recorder)
        driver = Driver(candidate, Setting(profile, target, 1.0, frozenset(), None), tape, dict(STIMULUS))
        run = await driver.start()
        return run.id, await tape.exchanges()


def test_what_nobody_says_a_body_of_is_asked_for_without_one() -> None:
    _, (exchange, *_) = asyncio.run(started(answer({}), bare=True))
    assert exchange.request.body is None


def test_header_fields_of_the_target_are_on_every_request_and_in_the_trace() -> None:
    more = {"X-Tenant": "acme", "Host": "jobs.example", "User-Agent": "me", "X-Api-Key": "long-enough"}
    got: list[bytes] = []

    async def scenario() -> tuple[Exchange, ...]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer({}))
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        target, profile = target_for(url, credentials=TOKEN, headers=more, control="/control")
        async with server, Recorder(profile, Secrets(), route=target.route) as recorder:
            candidate, tape = Candidate(target, profile, 1.0, recorder), Tape(recorder)
            assert await candidate.answers()
            await candidate.control({"do": "describe"}, tape)
            await Driver(candidate, Setting(profile, target, 1.0, frozenset(), None), tape, dict(STIMULUS)).start()
            return await tape.exchanges()

    exchanges = asyncio.run(scenario())
    wanted = [f"{name}: {value}".encode() for name, value in more.items()]
    assert [[line in head.split(b"\r\n") for line in wanted] for head in got] == [[True] * 4] * 3
    assert [head.lower().count(b"\r\nhost:") + head.lower().count(b"\r\nuser-agent:") for head in got] == [2] * 3
    for exchange in exchanges:
        assert set(exchange.request.headers) >= {("X-Tenant", "acme"), ("X-Api-Key", "xxxx-xxxxxx")}


def limited(after: str) -> bytes:
    return answer({"error": "slow down"}, 429).replace(b"\r\n\r\n", f"\r\nRetry-After: {after}\r\n\r\n".encode(), 1)


def test_a_rate_limit_is_waited_for() -> None:
    run_id, exchanges = asyncio.run(started(limited("1"), answer({"id": "run_7"}, 202)))
    assert run_id == "run_7"
    assert [(x.role, x.status, x.about["meant"]) for x in exchanges] == [
        ("limited", 429, "refusal"),
        ("start", 202, "answer"),
    ]
    assert exchanges[1].sent_us - exchanges[0].ended_us > 900_000


def test_a_rate_limit_that_asks_for_too_much_is_an_answer() -> None:
    run_id, exchanges = asyncio.run(started(limited("3600")))
    assert (run_id, [x.role for x in exchanges]) == (None, ["start"])


def test_a_start_without_an_id_gives_a_run_without_one() -> None:
    values: list[object] = [{}, {"id": None}, {"id": True}, {"id": ""}, [], 7, {"id": {"a": 1}}]
    for value in values:
        run_id, (exchange,) = asyncio.run(started(answer(value, 202)))
        assert (run_id, exchange.about.get("no_id"), exchange.about.get("run_id")) == (None, "/id", None)
    assert asyncio.run(started(answer({"id": 7}, 202)))[0] == "7"
    run_id, (refused,) = asyncio.run(started(answer({"id": "run_7"}, 500)))
    assert (run_id, refused.about.get("no_id")) == (None, None)


def head(status: int, *fields: tuple[str, str]) -> Head:
    return Head(status, "HTTP/1.1", fields, 0)


def test_when_to_ask_again() -> None:
    cases: list[tuple[Any, float | None]] = [
        (None, None),
        (head(200, ("Retry-After", "5")), None),
        (head(429), 1.0),
        (head(429, ("retry-after", "5")), 5.0),
        (head(429, ("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")), 1.0),
        (head(429, ("Retry-After", "0")), 1.0),
    ]
    assert [retry_s(one) for one, _ in cases] == [wanted for _, wanted in cases]


async def granted(status: int, wanted: tuple[int, ...]) -> dict[str, str]:
    """What a login gives that is answered so, where the profile names these statuses."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer({}, status).replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=abc; Path=/\r\n\r\n", 1))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    target, profile = target_of({"profile": "agent-workspace", "base_url": url}, Path("target.yaml"))
    login = replace(profile.operations["login"], status=wanted)
    profile = replace(profile, operations={**profile.operations, "login": login})
    async with server, Recorder(profile, Secrets()) as recorder:
        candidate = Candidate(target, profile, 1.0, recorder)
        return await candidate.login({"email": "a@example.org", "password": "x"}, "primary", Tape(recorder))


def test_a_login_succeeds_with_a_status_of_the_profile() -> None:
    """As one by a form, which is answered by a redirection."""
    assert asyncio.run(granted(303, (302, 303))) == {"cookie": "session=abc"}
    assert asyncio.run(granted(303, (200,))) == {}


async def requests_of(operations: dict[str, Any], act: Callable[[Driver], Awaitable[object]]) -> list[bytes]:
    """The requests, whole, that a driver makes of operations that are changed in this way."""
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        got.append(head + await reader.readexactly(length))
        writer.write(answer({}))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    target, profile = target_of({"profile": str(BUILDS), "base_url": url}, Path("target.yaml"))
    changed = {name: replace(profile.operations[name], **row) for name, row in operations.items()}
    profile = replace(profile, operations={**profile.operations, **changed})
    async with server, Recorder(profile, Secrets()) as recorder:
        candidate, tape = Candidate(target, profile, 1.0, recorder), Tape(recorder)
        await act(Driver(candidate, Setting(profile, target, 1.0, frozenset(), None), tape, dict(STIMULUS)))
        await tape.exchanges()
    return got


RUN = Run("r1", "build", "7/8")


@pytest.mark.parametrize(
    ("changed", "path", "more"),
    [
        ({}, b"/builds/7%2F8/log", b"\r\nLast-Event-ID: e&\xc3\xa9\r\n"),
        ({"headers": {}, "query": {"at": "{cursor}", "of": "{run}"}}, b"/builds/7%2F8/log?at=e%26%C3%A9&of=7%2F8", b""),
        ({"headers": {"X-At": "{run} {cursor}"}}, b"/builds/7%2F8/log", "\r\nX-At: 7/8 e&é\r\n".encode()),
        ({"path": "/log/{run}/{cursor}", "headers": {}}, b"/log/7%2F8/e%26%C3%A9", b""),
        (
            {"method": "POST", "path": "/log", "headers": {}, "body": {"of": ["{run}"], "after": "{cursor}"}},
            b"/log", '\r\n\r\n{"of": ["7/8"], "after": "e&é"}'.encode(),
        ),
    ],
    ids=["as it is", "query", "header fields", "path", "body"],
)  # fmt: skip
def test_names_are_filled_wherever_they_stand(changed: dict[str, Any], path: bytes, more: bytes) -> None:
    async def act(driver: Driver) -> None:
        live = await driver.attach(RUN, "resumed", cursor=Cursor("e&é", "seen", 1))
        await driver.answer(live)

    (request,) = asyncio.run(requests_of({"resume": changed}, act))
    assert request.split(b" ")[1] == path
    assert more in request
    assert b"{run}" not in request
    assert b"{cursor}" not in request


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("a\ud800b", "resume cannot be sent: a text with half a UTF-16 pair"),
        ("%" * 30_000, "resume cannot be sent: URL too long"),
        ("x" * 100_000, "resume cannot be sent: URL too long"),
    ],
    ids=["half a pair", "30,000 percent signs", "100 kB"],
)
@pytest.mark.parametrize("where", ["run id", "cursor"])
def test_what_fits_into_no_request_is_not_sent(given: str, why: str, where: str) -> None:
    async def act(driver: Driver) -> None:
        run = Run("r1", "build", given if where == "run id" else "7")
        live = await driver.attach(run, "resumed", cursor=Cursor(given if where == "cursor" else "7", "seen", 1))
        assert await live.ended(1) is Ending.CUT
        assert (live.detail, live.about["hindrance"], live.about.get("meant")) == ("not sent", why, None)

    assert asyncio.run(requests_of({"resume": {"query": {"at": "{cursor}"}, "headers": {}}}, act)) == []


def test_a_header_field_with_a_line_break_is_not_sent() -> None:
    async def act(driver: Driver) -> None:
        live = await driver.attach(RUN, "resumed", cursor=Cursor("a\r\nb: c", "seen", 1))
        assert await live.ended(1) is Ending.CUT
        assert live.about["hindrance"].startswith("resume cannot be sent: a header field")

    assert asyncio.run(requests_of({}, act)) == []


def test_a_try_that_is_over_sends_nothing_more() -> None:
    async def act(driver: Driver) -> None:
        await driver.tape.close()
        left = asyncio.create_task(driver.on_run("cancel", RUN, "cancel"))
        await asyncio.wait([left])
        assert left.cancelled()

    assert asyncio.run(requests_of({}, act)) == []


def test_a_cancellation_has_the_body_that_the_profile_says() -> None:
    changed = {"cancel": {"method": "POST", "path": "/stop", "query": {"of": "{run}"}, "body": {"build": "{run}"}}}
    (request,) = asyncio.run(requests_of(changed, lambda driver: driver.on_run("cancel", RUN, "cancel")))
    assert request.startswith(b"POST /stop?of=7%2F8 ")
    assert request.endswith(b'\r\n\r\n{"build": "7/8"}')


@pytest.mark.parametrize(
    ("ids", "cursor"),
    [([], None), ([1, 2, 17], "18"), (["1", "9"], "10"), (["a", "b"], None), ([1, None], None), ([1.5], None)],
)
def test_the_cursor_behind_the_newest_event(ids: list[object], cursor: str | None) -> None:
    history = [Seen("chunk", at, at + 1, None, True, lambda start, _end: {"id": ids[start]}) for at in range(len(ids))]
    found = cursor_behind(load_profile("promptfloe"), history)
    assert (found and (found.text, found.origin)) == (cursor and (cursor, "unknown"))
