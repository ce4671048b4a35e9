"""A stream that its server leaves off, and to which its reader comes back: the run is judged by all that it has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from .variants import rulings, variant, violated, with_body

if TYPE_CHECKING:
    from streamvet.trace import Exchange, Trace

WHOLE = base_trace(bases()["promptfloe-build"])
LINES = WHOLE.exchanges[0].body.splitlines(keepends=True)
LEAVES_OFF = variant("promptfloe", lambda raw: raw["terminal"].update(unless="resumable"))
AT = 3  # lines in the first piece


def in_pieces(*pieces: list[bytes], over: bool = False) -> Trace:
    """The build of which its reader gets these lines in each piece; with `over` it comes back once more, for a 204."""
    first = WHOLE.exchanges[0]
    made: list[Exchange] = []
    for number, lines in enumerate(pieces):
        cursor: dict[str, Any] = {"cursor": str(AT * number), "cursor_from": "seen", "after": AT}
        one = with_body(WHOLE, 0, b"".join(lines)).exchanges[0]
        again: dict[str, Any] = {"id": f"p{number}", "role": "resumed", "operation": "resume"} if number else {}
        about = {**first.about, "strand": "s1", **(cursor if number else {})}
        made.append(dataclasses.replace(one, about=about, ending=Ending.COMPLETE, **again))
    if over:
        told = {**made[-1].about, "over": [204]}
        assert first.head is not None
        none = with_body(WHOLE, 0, b"").exchanges[0]
        head = first.head._replace(status=204)
        made.append(dataclasses.replace(none, id="over", role="resumed", operation="resume", about=told, head=head))
    return dataclasses.replace(WHOLE, exchanges=(*made, *WHOLE.exchanges[1:]))


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
