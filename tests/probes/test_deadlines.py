"""A candidate that keeps us waiting is waited for once, and a deadline ends everything, whatever it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.campaign import Progress, Settings, Summary, Unreachable, campaign, deadline_s
from streamvet.contract.loading import load_profile
from streamvet.probes import bounds
from streamvet.probes.candidate import Candidate
from streamvet.probes.stream_waits import StreamWaits
from streamvet.recorder import Ask, Recorder, Secrets, Tape, now_us, patience
from streamvet.trace import Ending, Trace

from .test_misbehaving import HEAD, OVER_S, RUNNING, SCALE, STREAMS, candidate, target_for

if TYPE_CHECKING:
    from streamvet.trace import Exchange

BEAT = b": heartbeat 2026-01-01T00:00:00Z\n\n"
ENDING = b'event: status\ndata: {"kind":"status","status":"pass"}\n\nevent: end\ndata: {"kind":"end"}\n\n'
RUN_S, LITTLE_S = 3.0, 0.1  # of a run of which nothing is known; and of one more, when none has ended
INPUTS: dict[str, Any] = {"run": {"succeeds": {}, "fails": {"steps": [1]}, "long": {"steps": [2]}}}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _half(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + chunk(RUNNING) + b"ff\r\nevent: sta")
    await asyncio.sleep(OVER_S)


async def _beats_for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + chunk(RUNNING) + chunk(ENDING))
    while True:
        writer.write(chunk(BEAT))
        await writer.drain()
        await asyncio.sleep(0.05)


HOSTILE = {
    "half a chunk, then silence": _half,
    "heartbeats after the terminal event": _beats_for_ever,
    "never answers": STREAMS["silent"],
    "never ends": STREAMS["endless"],
}


def tried(
    monkeypatch: pytest.MonkeyPatch, how: str, settings: Settings, **more: Any
) -> tuple[Summary, list[Trace], list[Progress]]:  # fmt: skip
    monkeypatch.setitem(STREAMS, how, HOSTILE.get(how, STREAMS.get(how)))
    traces: list[Trace] = []
    progress: list[Progress] = []

    async def scenario() -> Summary:
        async with candidate(how) as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url, **more)
            return await campaign(target, profile, settings, traces.append, progress.append)

    return asyncio.run(scenario()), traces, progress


@pytest.mark.parametrize("how", HOSTILE)
def test_without_control_what_never_comes_is_waited_for_once(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_ANSWER_S", {True: RUN_S, False: RUN_S})
    monkeypatch.setattr(bounds, "never_s", lambda _bound_ms: LITTLE_S)
    monkeypatch.setattr(patience, "LITTLE_S", LITTLE_S)
    monkeypatch.setattr("streamvet.campaign.running._RUN_SHARE", RUN_S / OVER_S)
    settings = Settings(until_us=now_us() + int(OVER_S * 1e6))
    summary, traces, _ = tried(monkeypatch, how, settings, without="control", inputs=INPUTS, max_starts=1000)
    assert summary.untried == []
    assert summary.errors == []
    in_vain = [(trace, one) for trace in traces for one in trace.exchanges if one.ending is Ending.TIMED_OUT]
    assert in_vain
    paid: dict[tuple[object, ...], float] = {}  # when the first whole wait for it was over, by what was waited for
    for trace, one in in_vain:
        if one.detail.endswith(f" {RUN_S:.1f} s"):
            paid[what(trace, one)] = min(paid.get(what(trace, one), float("inf")), moment(trace, one.ended_us))
    late = [(trace, one) for trace, one in in_vain if moment(trace, one.sent_us) > paid.get(what(trace, one), 1e99)]
    assert [one.detail for _, one in late if one.detail.endswith(f" {RUN_S:.1f} s")] == []
    assert bool(summary.never) is (how in ("half a chunk, then silence", "never ends"))


def what(trace: Trace, one: Exchange) -> tuple[object, ...]:
    """What was waited for, without the bound."""
    return one.operation, trace.stimulus.get("input"), one.detail.partition(" within ")[0]


def moment(trace: Trace, at_us: int) -> float:
    """A moment of a trace, in seconds of the wall."""
    return trace.wall_clock + at_us / 1e6


@pytest.mark.parametrize("how", ["heartbeats after the terminal event", "never ends"])
def test_under_control_nobody_races_what_never_ends(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "never_s", lambda _bound_ms: 0.2)
    monkeypatch.setattr(bounds, "_LEAST_WORK_S", 0.5)
    settings = Settings(until_us=now_us() + int(OVER_S * 1e6), probes={"race", "cancel race", "churn"})
    summary, traces, _ = tried(monkeypatch, how, settings)
    assert (summary.untried, summary.errors) == ([], [])
    starts = dict.fromkeys(("race", "cancel race"), 0)
    for trace in traces:
        if trace.probe in starts:
            starts[trace.probe] += sum(one.role == "start" for one in trace.exchanges)
    # Of 500 and 25: those that had begun before the first of them was waited for in vain.
    assert 0 < starts["race"] < 100
    assert 0 < starts["cancel race"] < 20


def test_a_run_that_does_its_own_work_under_control_is_no_wait_of_minutes() -> None:
    assert bounds.work_s(0.05, controlled=True, most_s=140.0) == 20.0
    assert bounds.bounds_of(load_profile("ghostly"), 0.05, None, 20.0).silent_s == 10.0
    assert bounds.bounds_of(load_profile("ghostly"), 1.0, None, 150.0).silent_s == 60.0


def test_a_login_that_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_ANSWER_S", {True: 0.3, False: 0.3})
    traces: list[Trace] = []

    async def scenario() -> None:
        async with candidate("silent", "login too") as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url)
            await campaign(target, profile, Settings(probes={"straight", "cuts", "several", "late"}), traces.append)

    asyncio.run(scenario())
    logins = [one for trace in traces for one in trace.exchanges if one.operation == "login"]
    assert len(traces) > 4
    assert [one.ending for one in logins] == [Ending.TIMED_OUT] * 3


@pytest.mark.parametrize("how", ["open", "endless", "silent"])
def test_a_deadline_cuts_short_what_is_under_way(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun_us = now_us()
    summary, traces, progress = tried(monkeypatch, how, Settings(until_us=begun_us + 2_000_000))
    assert (now_us() - begun_us) / 1e6 < 20  # without one it would take a minute or more
    assert summary.errors == []
    untried = {name for name, _ in summary.untried}
    assert untried
    assert all(serves for _, serves in summary.untried)
    assert progress[0].deadline_s is not None
    assert progress[0].deadline_s <= 2.0
    assert progress[-1].running == ()
    # What was recorded is handed out, and ends as something does that we have cut.
    cut = [one for trace in traces for one in trace.exchanges if one.detail == "the deadline is over"]
    assert cut
    assert {one.ending for one in cut} == {Ending.CUT}
    names = {f"{trace.probe}: {trace.stimulus['name']}" for trace in traces}
    assert any(name.partition(" (")[0] not in names for name in untried)  # and others were not begun


def test_a_candidate_that_is_not_up_by_the_deadline_is_unreachable() -> None:
    async def scenario() -> None:
        target, profile = target_for("http://127.0.0.1:9")
        await campaign(target, profile, Settings(wait_s=60, until_us=now_us() + 2_000_000), lambda _trace: None)

    with pytest.raises(Unreachable, match="not up within the deadline: the connection was refused"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "scale", "active", "seconds"),
    [
        ("rockstar", 1.0, None, 300.0),
        ("promptfloe", 1.0, None, 390.0),
        ("promptfloe", 0.05, None, 300.0),
        ("promptfloe", 1.0, 2, 600.0),  # behind a run of 300 s beside one of 240, what else there is to try
        ("promptfloe", 1.0, 1, 840.0),
        ("ghostly", 1.0, 2, 345.0),
        ("cosma", 1.0, 2, 390.0),  # there no run is started
    ],
)
def test_the_deadline_is_five_minutes_or_more_than_the_mandated_wait(
    name: str, scale: float, active: int | None, seconds: float
) -> None:
    assert deadline_s(load_profile(name), scale, active) == pytest.approx(seconds)


@pytest.mark.parametrize(("ending", "waits_s"), [("succeeds", LITTLE_S), (None, 1.0)])
def test_a_run_is_waited_for_as_those_that_end_alike(
    ending: str | None, waits_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is to succeed in the try of another, too: the suite knows by then that none of these ends."""
    monkeypatch.setattr(patience, "LITTLE_S", LITTLE_S)

    async def scenario() -> str:
        async with candidate("open") as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url, without="control", inputs=INPUTS)
            async with Recorder(profile, Secrets()) as recorder:
                known = Candidate(target, profile, SCALE, recorder)
                known.endings.missed("run: succeeds", 1.0)
                stimulus = {"kind": "run", "input": "long", "script": None}
                waits = StreamWaits(known, profile, stimulus, bounds.bounds_of(profile, SCALE, None, 1.0))
                live = Tape(recorder).send(Ask("attach", "reader", "GET", f"{url}/v1/run/1/stream"))
                assert not await waits.to_end(live, ending=ending)
                return live.detail

    assert asyncio.run(scenario()) == f"the terminal event not within {waits_s:.1f} s"


@pytest.mark.parametrize(("given", "silent_ms"), [("succeeds", 200), ("long", None)])
def test_a_run_that_is_to_end_and_tells_nothing_is_given_up(
    given: str, silent_ms: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_LEAST_WORK_S", 0.2)
    monkeypatch.setattr(bounds, "_SILENT_MS", 0.0)

    async def scenario() -> tuple[Any, Ending | None]:
        async with candidate("open") as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url, without="control", inputs=INPUTS)
            async with Recorder(profile, Secrets()) as recorder:
                known = Candidate(target, profile, SCALE, recorder)
                stimulus = {"kind": "run", "input": given, "script": None}
                waits = StreamWaits(known, profile, stimulus, bounds.bounds_of(profile, SCALE, None, 2.0))
                live = Tape(recorder).send(Ask("attach", "reader", "GET", f"{url}/v1/run/1/stream"))
                assert not await waits.to_end(live)
                return live.about.get("silent_ms"), live.ending

    over = Ending.CUT if silent_ms else Ending.TIMED_OUT
    assert asyncio.run(scenario()) == (silent_ms, over)


def test_what_no_run_of_a_kind_shows_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LITTLE_S", LITTLE_S)

    async def scenario() -> list[str]:
        async with candidate("open") as url, asyncio.timeout(OVER_S):
            target, profile = target_for(url, without="control", inputs=INPUTS)
            async with Recorder(profile, Secrets()) as recorder:
                known, details = Candidate(target, profile, SCALE, recorder), []
                for given in ("succeeds", "long"):
                    stimulus = {"kind": "run", "input": given, "script": None}
                    waits = StreamWaits(known, profile, stimulus, bounds.bounds_of(profile, SCALE, None, 1.0))
                    live = Tape(recorder).send(Ask("attach", "reader", "GET", f"{url}/v1/run/1/stream"))
                    assert not await waits.run_shows(live, 1)
                    details.append(live.detail)
                return details

    assert asyncio.run(scenario()) == ["1 events not within 1.0 s", f"1 events not within {LITTLE_S} s"]
