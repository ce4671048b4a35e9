"""What is due apart and comes together was held back, and the finding says for how long, and who that may have been."""

from __future__ import annotations

import dataclasses
import re
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases
from streamvet.outcome import Finding, NotExercised, own_findings
from streamvet.systems import judge_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.outcome import Outcome
    from streamvet.trace import Exchange, Trace

MS = 1000


def _arriving(trace: Trace, exchange: str, times_ms: Sequence[float], **more: Any) -> Trace:
    """The trace with the chunks of one exchange at these times, its end right behind them, and more changed."""

    def changed(one: Exchange) -> Exchange:
        if one.id != exchange:
            return one
        times = array("q", (int(at * MS) for at in times_ms))
        assert len(times) == len(one.times)
        return dataclasses.replace(one, times=times, ended_us=max(one.ended_us, times[-1] + MS), **more)

    return dataclasses.replace(trace, exchanges=tuple(map(changed, trace.exchanges)))


def _without_script(trace: Trace, **stimulus: Any) -> Trace:
    return dataclasses.replace(trace, stimulus={**trace.stimulus, "script": None, **stimulus})


def _judged(trace: Trace) -> dict[str, Outcome]:
    bench = judge_of(load_profile(trace.profile))
    outcomes = bench.add(trace)
    assert bench.errors == []
    return outcomes


def _held(trace: Trace) -> list[Finding]:
    outcome = _judged(trace)["TRN-03"]
    assert not isinstance(outcome, NotExercised), outcome
    return own_findings(outcome)


GHOSTLY = base_trace(bases()["ghostly-straight"])
PUSH = base_trace(bases()["rockstar-session"])
BUILD = base_trace(bases()["promptfloe-build"])


def _times_ms(trace: Trace, exchange: str) -> list[float]:
    return [at / MS for one in trace.exchanges if one.id == exchange for at in one.times]


def _slower(trace: Trace, exchange: str) -> Trace:
    """The trace with the events of one exchange ten times as far apart, by their own times and as they arrive."""

    def later(found: re.Match[bytes]) -> bytes:
        seconds, ms = divmod(10 * int(found[2]), 1000)
        return b"%s%02d.%03dZ" % (found[1], seconds, ms)

    times = [10 * at for at in _times_ms(trace, exchange)]
    (body,) = (re.sub(rb"(T08:00:)00\.(\d{3})Z", later, one.body) for one in trace.exchanges if one.id == exchange)
    return _arriving(trace, exchange, times, body=body)


def test_times_in_events_tell_without_a_script() -> None:
    own = _slower(_without_script(GHOSTLY), "x3")
    times = _times_ms(own, "x3")
    assert _held(own) == []
    (found,) = _held(_arriving(own, "x3", [*times[:1], *([times[-1]] * (len(times) - 1))]))
    assert found.seen.startswith("held back for 5130 ms: 14 came together, 0 ms between them; ")


def test_what_a_bound_allows_at_the_beginning_is_not_held_back() -> None:
    """A stream of ghostly has a second for its first event, and two for its ending."""
    own = _without_script(GHOSTLY)
    times = _times_ms(own, "x3")
    at_once = _judged(_arriving(own, "x3", [times[-1]] * len(times)))["TRN-03"]
    assert isinstance(at_once, NotExercised)


def test_a_script_tells_by_its_whole_length_where_the_reader_was_late_for_a_pause() -> None:
    times = _times_ms(BUILD, "x1")
    late = dataclasses.replace(_arriving(BUILD, "x1", [times[-1]] * len(times)), late=BUILD.late)
    (found,) = _held(late)
    assert "came together" in found.seen


PACED = {"name": "of a known pace", "input": "paced", "gap_ms": 250}
APART = [250 * number for number in range(1, 6)]


def test_an_input_of_known_pace_tells_of_a_push() -> None:
    paced = _without_script(PUSH, **PACED, outcome=None)
    assert _held(_arriving(paced, "x1", APART)) == []
    (found,) = _held(_arriving(paced, "x1", [1250] * 5))
    assert found.expected == "events 250 ms apart, as the target file says of this input"
    assert found.seen.startswith("held back for 750 ms: 4 came together, 0 ms between them; ")


def test_what_comes_together_at_the_beginning_of_an_input_of_known_pace_is_a_greeting() -> None:
    paced = _without_script(PUSH, **PACED, outcome=None)
    assert _held(_arriving(paced, "x1", [5, 5, 5, 255, 505])) == []


def test_an_input_that_goes_faster_at_its_end_than_the_target_file_says_is_not_held_back() -> None:
    paced = _without_script(PUSH, **PACED, outcome=None)
    assert _held(_arriving(paced, "x1", [250, 500, 535, 570, 605])) == []


def test_two_events_say_too_little() -> None:
    paced = _without_script(PUSH, **PACED, outcome=None)
    assert _held(_arriving(paced, "x1", [250, 500, 750, 751, 1000])) == []


def test_without_a_known_pace_nobody_can_tell() -> None:
    outcome = _judged(_without_script(PUSH))["TRN-03"]
    assert isinstance(outcome, NotExercised)


# The times of the five lines of a push without a script and a pace, how long it took, and whether that is held back.
LONG_MS, SHORT_MS = 4_200, 2_100
WITH_ITS_END: list[tuple[str, list[float], dict[str, Any], bool]] = [
    ("nothing but at the end", [LONG_MS] * 5, {}, True),
    ("in several pieces", [LONG_MS + 15 * number for number in range(5)], {}, True),
    ("a first line before", [LONG_MS - 2_000, *[LONG_MS] * 4], {}, False),
    ("a last line after", [*[LONG_MS] * 4, LONG_MS + 500], {}, False),
    ("short", [SHORT_MS] * 5, {}, False),
    ("a script that says nothing of it", [LONG_MS] * 5, {"script": []}, False),
]


@pytest.mark.parametrize(("name", "times", "stimulus", "is_held"), WITH_ITS_END, ids=[row[0] for row in WITH_ITS_END])
def test_a_long_run_whose_events_all_come_with_its_end(
    name: str, times: list[float], stimulus: dict[str, Any], is_held: bool
) -> None:
    own = _arriving(_without_script(PUSH, name=name, outcome=None, **stimulus), "x1", times)
    outcome = _judged(own)["TRN-03"]
    if not is_held:
        assert isinstance(outcome, NotExercised)
        return
    (found,) = own_findings(outcome)
    assert found.expected == "events while the run continues, which it did for 4200 ms"
    assert found.seen.startswith("held back: 5 came together, ")


def test_a_long_run_that_has_only_its_end_to_tell_is_not_held_back() -> None:
    """Its first line and its last two, one of them its end: of a stream whose beginning comes by itself that is all."""
    (row,) = (one for one in PUSH.exchanges if one.id == "x1")
    lines = row.body.splitlines(keepends=True)
    body = b"".join([lines[0], *lines[-2:]])
    ends = array("q", [len(body)])
    few = dataclasses.replace(row, body=body, ends=ends, times=array("q", [LONG_MS * MS]), ended_us=LONG_MS * MS + MS)
    exchanges = tuple(few if one is row else one for one in PUSH.exchanges)
    own = _without_script(dataclasses.replace(PUSH, exchanges=exchanges), outcome=None)
    assert isinstance(_judged(own)["TRN-03"], NotExercised)


def test_what_comes_with_a_cancellation_was_not_held_back() -> None:
    own = _arriving(_without_script(PUSH, outcome=None), "x1", [LONG_MS] * 5)
    cancel = next(one for one in GHOSTLY.exchanges if one.role == "start")
    about = {"run": next(one for one in own.exchanges if one.id == "x1").about.get("run")}
    asked = dataclasses.replace(cancel, id="x9", operation="cancel", role="cancel", about=about)
    assert isinstance(_judged(dataclasses.replace(own, exchanges=(*own.exchanges, asked)))["TRN-03"], NotExercised)


BEATS = base_trace(bases()["ghostly-watch-idle"])


def test_heartbeats_in_one_lump_are_held_back_and_none_is_called_missing() -> None:
    times = _times_ms(BEATS, "x2")
    lump = [at if at < 15_000 else 45_106 for at in times]
    outcomes = _judged(_arriving(BEATS, "x2", lump))
    found = {name: own for name, outcome in outcomes.items() if (own := own_findings(outcome))}
    assert set(found) == {"TRN-03"}
    assert found["TRN-03"][0].seen.startswith("held back for 30000 ms: 3 came together")


# What the head says, and what is suspected first.
SUSPECTS = [
    ((("Server", "nginx/1.22.1"),), "Server: nginx/1.22.1", "proxy_buffering of nginx"),
    ((("Via", "1.1 edge"),), "Via: 1.1 edge", "the proxy that Via names"),
    (
        (("Server", "Apache/2.4"), ("Content-Encoding", "br")),
        "Server: Apache/2.4, Content-Encoding: br",
        "a compressor",
    ),
    ((("Content-Length", "9"),), "no Server, Via, Content-Encoding, X-Accel-Buffering or Incremental", "a server that"),
    ((), "no Server, Via, Content-Encoding, X-Accel-Buffering or Incremental", "a write that is not flushed"),
]


@pytest.mark.parametrize(("fields", "said", "usual"), SUSPECTS)
def test_the_finding_names_who_it_may_have_been(fields: tuple[tuple[str, str], ...], said: str, usual: str) -> None:
    head = next(one.head for one in PUSH.exchanges if one.id == "x1")
    assert head is not None
    coded = {"coding": "br"} if any(name == "Content-Encoding" for name, _ in fields) else {}
    row = next(one for one in PUSH.exchanges if one.id == "x1")
    asked = row.request._replace(headers=(("Accept-Encoding", "identity"),))
    given = head._replace(headers=(("Content-Type", "application/x-ndjson"), *fields))
    (found,) = _held(_arriving(PUSH, "x1", [488] * 5, head=given, request=asked, **coded))
    assert f"; {said}; usually {usual}" in found.seen
