"""A stream that its server leaves off, and to which its reader comes back: the run is judged by all that it has."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from .variants import rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.trace import Exchange, Trace

WHOLE = base_trace(bases()["promptfloe-build"])
STALLED = base_trace(bases()["promptfloe-stalled"])
LINES = WHOLE.exchanges[0].body.splitlines(keepends=True)
LEAVES_OFF = variant("promptfloe", lambda raw: raw["terminal"].update(unless="resumable"))
AT = 3  # lines in the first piece


def in_pieces(*pieces: list[bytes], over: bool = False, at: int = 0, followed: bool = True, of: Trace = WHOLE) -> Trace:
    """The run of which its reader gets these lines in each piece; with `over` it comes back once more, for a 204.

    `at`: of which exchange they are the pieces; `followed`: whether somebody came back, or left it at the first one.
    """
    first, cursor = of.exchanges[at], ""
    made: list[Exchange] = []
    for number, lines in enumerate(pieces):
        back: dict[str, Any] = {"cursor": cursor, "cursor_from": "seen"} if cursor and number else {}
        one = with_body(of, at, b"".join(lines)).exchanges[at]
        again: dict[str, Any] = {"id": f"p{number}", "role": "resumed", "operation": "resume"} if number else {}
        about = {**first.about, **({"strand": "s1"} if followed else {}), **back}
        made.append(dataclasses.replace(one, about=about, ending=Ending.COMPLETE, **again))
        cursor = str(json.loads(lines[-1])["id"]) if lines else cursor
    if over:
        told = {**made[-1].about, "over": [204]}
        assert first.head is not None
        none = with_body(of, at, b"").exchanges[at]
        head = first.head._replace(status=204)
        made.append(dataclasses.replace(none, id="over", role="resumed", operation="resume", about=told, head=head))
    return dataclasses.replace(of, exchanges=(*of.exchanges[:at], *made, *of.exchanges[at + 1 :]))


def failing(trace: Trace) -> dict[str, set[str]]:
    """The exchanges in which ids have findings, by the ids."""
    found = rulings("promptfloe", LEAVES_OFF, trace)
    return {name: {one.exchange for one in found[name].findings} for name in violated(found)}


def test_all_that_a_reader_has_in_the_end_is_one_run() -> None:
    found = rulings("promptfloe", LEAVES_OFF, in_pieces(LINES[:AT], LINES[AT:]))
    whole = rulings("promptfloe", LEAVES_OFF, WHOLE)
    assert violated(found) == {}
    # All of a piece comes at its end here, so that nothing is known of pauses.
    passed = {name for name, one in whole.items() if one.verdict is Verdict.PASS} - {"TRN-03"}
    assert {name for name, one in found.items() if one.verdict is Verdict.PASS} >= passed
    assert {found[name].verdict for name in ("TRM-01", "TRM-06", "ORD-01", "ORD-05", "CAT-06")} == {Verdict.PASS}


def test_by_a_profile_that_has_no_such_streams_it_has_no_end() -> None:
    plain = variant("promptfloe", lambda _raw: None)
    trace = in_pieces(LINES[:AT])
    assert "TRM-01" in violated(rulings("promptfloe", plain, trace))
    assert rulings("promptfloe", LEAVES_OFF, trace)["TRM-01"].verdict is not Verdict.FAIL


@pytest.mark.parametrize(
    ("trace", "wrong"),
    [
        (in_pieces(LINES[:AT], LINES[AT - 1 :]), {"CAT-06": {"p1"}}),
        (in_pieces(LINES[:AT], [], LINES[AT - 1 :]), {"CAT-06": {"p2"}}),
        (in_pieces(LINES[:AT], LINES[AT:-1], over=True), {"TRM-01": {"p1"}}),
        (in_pieces(LINES[:AT], over=True), {"TRM-01": {"x1"}}),
    ],
    ids=["the seam twice", "the seam twice, later", "over without its end", "over at once"],
)
def test_what_is_wrong_is_found_where_it_is(trace: Trace, wrong: dict[str, set[str]]) -> None:
    found = failing(trace)
    assert {name: found.get(name) for name in wrong} == wrong


def test_what_is_lost_between_two_pieces_is_found_in_the_second() -> None:
    found = failing(in_pieces(LINES[:AT], LINES[AT + 1 :]))
    assert found.get("ORD-05") == {"p1"}
    assert "ORD-01" not in found


def test_a_piece_that_ends_inside_a_line_is_not_joined() -> None:
    half = [*LINES[:AT], LINES[AT][:-1]]
    assert failing(in_pieces(half, LINES[AT:])).get("NDJ-01") == {"x1"}


def later(trace: Trace, name: str, by_us: int) -> Trace:
    """The trace in which one exchange, and what follows it, is so much later."""
    number = next(index for index, one in enumerate(trace.exchanges) if one.id == name)
    moved = [_later(one, by_us) for one in trace.exchanges[number:]]
    return dataclasses.replace(trace, exchanges=(*trace.exchanges[:number], *moved))


def _later(one: Exchange, by_us: int) -> Exchange:
    times = type(one.times)(one.times.typecode, [at_us + by_us for at_us in one.times])
    head = one.head and one.head._replace(at_us=one.head.at_us + by_us)
    sent_us, ended_us = one.sent_us + by_us, one.ended_us + by_us
    return dataclasses.replace(one, times=times, head=head, sent_us=sent_us, ended_us=ended_us)


def halves(trace: Trace) -> list[list[bytes]]:
    """The first stream of a trace, in two."""
    lines = trace.exchanges[0].body.splitlines(keepends=True)
    return [lines[: len(lines) // 2], lines[len(lines) // 2 :]]


FINISHED = 3  # the exchange that reads the build again, which is over

HONEST = {
    "a piece in which nothing came": in_pieces(LINES[:AT], [], LINES[AT:]),
    "each event in a piece of its own": in_pieces(*([line] for line in LINES)),
    "beside a reader that stalls": in_pieces(*halves(STALLED), of=STALLED),
    "a finished run": in_pieces(LINES[:AT], LINES[AT:], at=FINISHED),
    "a finished run, of which nobody reads the rest": in_pieces(LINES[:AT], at=FINISHED, followed=False),
    "a finished run whose reader was away for longer than its bound": later(
        in_pieces(LINES[:AT], LINES[AT:], at=FINISHED), "p1", 5_000_000
    ),
}


@pytest.mark.parametrize("trace", HONEST.values(), ids=HONEST)
def test_what_a_server_may_do_holds(trace: Trace) -> None:
    assert failing(trace) == {}


def test_of_a_finished_run_in_pieces_the_whole_is_judged() -> None:
    found = rulings("promptfloe", LEAVES_OFF, HONEST["a finished run"])
    assert {found[name].verdict for name in ("CAT-02", "CAT-04", "TRM-05", "TRM-10")} == {Verdict.PASS}
    lacking = failing(in_pieces(LINES[:AT], LINES[AT + 1 :], at=FINISHED))
    assert lacking == {"CAT-02": {"p1"}, "CAT-05": {"p1"}}
    assert failing(in_pieces(LINES[:AT], LINES[AT:-1], at=FINISHED))["TRM-05"] == {"p1"}


def test_what_a_violation_explains_it_explains_in_each_piece() -> None:
    stalled = halves(STALLED)
    found = rulings("promptfloe", LEAVES_OFF, in_pieces(stalled[0], stalled[1][:-1], of=STALLED, over=True))
    assert {one.exchange for one in found["TRM-01"].findings} == {"p1"}
    assert (found["TRN-10"].findings, [one.explained_by for one in found["TRN-10"].explained]) == ((), [("TRM-01",)])
