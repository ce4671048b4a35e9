"""Where an answer has the id of a run: as the profile says it, and what becomes of an answer that has it elsewhere."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile, profile_of
from streamvet.contract.target import target_of
from streamvet.probes.candidate import Candidate
from streamvet.probes.driver import Driver
from streamvet.probes.runs import Run
from streamvet.probes.setting import Setting
from streamvet.recorder import Recorder, Secrets, Tape

from .test_misbehaving import HEAD, answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamvet.contract.profile import Profile
    from streamvet.trace import Exchange

PROFILES = Path(__file__).resolve().parents[1] / "profiles"
TOKEN = "long-enough-to-be-one"


def profile(name: str, **more: Any) -> Profile:
    """A profile of the tests without its set-up requests; `more` keys of its first start."""
    found = load_profile(str(PROFILES / name))
    raw = json.loads(json.dumps(found.raw))
    raw["operations"] = {one: row for one, row in raw["operations"].items() if not one.startswith("setup:")}
    raw["operations"][found.starts[0].name] |= more
    return replace(profile_of(raw, PROFILES / name / "profile.yaml"), folder=found.folder)


async def asked(
    of: Profile, answers: list[bytes], act: Callable[[Driver, str, str], Awaitable[str | None]]
) -> tuple[str | None, tuple[Exchange, ...], list[bytes]]:
    """What comes of some operations of a driver that are answered so; the exchanges, and the requests as they came."""
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(handle, ["127.0.0.1", "127.0.0.2"], 0)
    url, other = (f"http://{host}:{port}" for host, port in (one.getsockname() for one in server.sockets))
    raw: dict[str, Any] = {"profile": str(of.folder), "base_url": url}
    raw |= {} if of.field("auth.kind") == "none" else {"credentials": {"token": TOKEN}}
    target, _ = target_of(raw, Path("target.yaml"))
    async with server, Recorder(of, Secrets()) as recorder:
        stimulus = {"name": "test", "kind": of.starts[0].kind, "outcome": None, "script": None, "input": "succeeds"}
        candidate, tape = Candidate(target, of, 1.0, recorder), Tape(recorder)
        driver = Driver(candidate, Setting(of, target, 1.0, frozenset(), None), tape, stimulus)
        return await act(driver, url, other), await tape.exchanges(), got


async def _start(driver: Driver, _url: str, _other: str) -> str | None:
    return (await driver.start()).id


def found(of: Profile, given: bytes) -> tuple[str | None, str | None]:
    """The id of a run whose start is answered so, and where it is missing."""
    run_id, (exchange, *_), _ = asyncio.run(asked(of, [given], _start))
    return run_id, exchange.about.get("no_id")


def created(location: str | None) -> bytes:
    field = f"Location: {location}\r\n" if location is not None else ""
    return f"HTTP/1.1 201 Created\r\n{field}Content-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("location", "run_id"),
    [
        ("/jobs/a7/events", "a7"),
        ("https://jobs.example/v1/jobs/a7/events?from=1", "a7"),
        ("/jobs/a7", None),
        ("/runs/a7/events", None),
        ("/jobs//events", None),
        ("", None),
        (None, None),
    ],
)
def test_an_id_is_the_part_of_a_field_that_the_profile_says(location: str | None, run_id: str | None) -> None:
    assert found(profile("jobs"), created(location)) == (run_id, None if run_id else "the field Location")


def events(*documents: object) -> bytes:
    body = "".join(f"event: thread.run.queued\ndata: {json.dumps(one)}\n\n" for one in documents).encode()
    return HEAD + (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("documents", "run_id"),
    [
        (({"id": "r1"}, {"id": "r2"}), "r1"),
        (({"status": "queued"}, {"id": "r2"}), "r2"),
        (({"id": 7},), "7"),
        (({"id": ""}, {"id": True}, {"id": None}, ["id"]), None),
        ((), None),
    ],
)
def test_an_id_is_that_of_the_first_event_that_has_one(documents: tuple[object, ...], run_id: str | None) -> None:
    assert found(profile("assistants"), events(*documents)) == (run_id, None if run_id else "an event at /id")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["at the same place", "at another one"])
def test_a_stream_whose_url_is_in_the_answer_is_read_there(*, elsewhere: bool) -> None:
    async def act(driver: Driver, url: str, other: str) -> str | None:
        place = (other if elsewhere else url) + "/streams/a%2Fb?key=1"
        live = await driver.attach(Run("r1", "prediction", place), "reader")
        await live.ended(1.0)
        return str(live.about["run_id"])

    _, (exchange,), (request,) = asyncio.run(asked(profile("predictions"), [answer({})], act))
    assert request.startswith(b"GET /streams/a%2Fb?key=1 HTTP/1.1\r\n")
    assert (f"Bearer {TOKEN}".encode() in request) is not elsewhere
    assert exchange.status == 200


def test_what_is_no_url_cannot_be_asked_for() -> None:
    async def act(driver: Driver, _url: str, _other: str) -> str | None:
        live = await driver.attach(Run("r1", "prediction", "/streams/a"), "reader")
        await live.ended(1.0)
        return None

    _, (exchange,), requests = asyncio.run(asked(profile("predictions"), [answer({})], act))
    assert (exchange.about["hindrance"], requests) == ("attach cannot be sent: '/streams/a' is no URL", [])


def test_what_no_set_up_request_gave_hinders_a_start() -> None:
    of, refusal = load_profile(str(PROFILES / "session-call")), answer({"error": "wrong"}, 400)

    async def act(driver: Driver, _url: str, _other: str) -> str | None:
        return (await driver.start()).id

    found, exchanges, requests = asyncio.run(asked(of, [refusal], act))
    assert (found, len(requests)) == (None, 1)  # and none with the name itself in place of the session
    assert exchanges[0].about["hindrance"] == "setup:session is answered with 400"
    assert exchanges[-1].about["hindrance"] == "start:call cannot be sent: no set-up request gave session"
