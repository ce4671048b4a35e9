"""What a profile says of answers that no built-in system gives: of wrong cursors, of what is over, of early failures.

On traces of promptfloe, by variants of its profile.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.trace import Head

from .variants import rulings, variant, with_body

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.trace import Trace

CURSORS, BUILD = (base_trace(bases()[f"promptfloe-{name}"]) for name in ("cursors", "build"))
WHOLE = CURSORS.exchanges[0].body
FIRST, REST = WHOLE.split(b"\n", 1)
MEDIA = {200: "application/x-ndjson"}  # of a refusal JSON


def answered(trace: Trace, number: int, status: int, body: bytes, *fields: tuple[str, str], **about: Any) -> Trace:
    """A trace in which one exchange has another answer, and another purpose."""
    old = trace.exchanges[number]
    assert old.head is not None
    role = about.pop("role", old.role)
    kind = ("Content-Type", MEDIA.get(status, "application/json"))
    head = Head(status, old.head.http, (kind, *fields), old.head.at_us)
    return with_body(trace, number, body, head=head, about={**old.about, **about}, role=role)


def cursors(**more: Any) -> Profile:
    def change(raw: dict[str, Any]) -> None:
        for name in ("CAT-08", "CAT-09", "CAT-10"):
            del raw["adopted"][name]
        raw["catchup"]["cursor"] = {"pointer": "/id", **more}

    return variant("promptfloe", change)


class Answer(NamedTuple):
    """What a cursor gets by the profile, which has more of it; and the answer."""

    gets: str
    more: dict[str, Any]
    status: int
    body: bytes
    verdict: Verdict
    fields: tuple[tuple[str, str], ...] = ()


HEADER, SENT = {"gap": {"header": "Begins-At"}}, "9007199254740000"
ANSWERS = [
    Answer("start", {}, 200, WHOLE, Verdict.PASS),
    Answer("start", {}, 200, REST, Verdict.FAIL),
    Answer("start", {}, 409, b"{}", Verdict.FAIL),
    Answer("now", {}, 200, b"", Verdict.PASS),
    Answer("now", {}, 200, WHOLE, Verdict.FAIL),
    Answer("gap", HEADER, 200, WHOLE, Verdict.PASS, (("Begins-At", "1"),)),
    Answer("gap", HEADER, 200, WHOLE, Verdict.FAIL, (("Begins-At", SENT),)),
    Answer("gap", HEADER, 200, WHOLE, Verdict.FAIL),
    Answer("gap", {"gap": {"events": ["plan"]}}, 200, WHOLE, Verdict.PASS),
    Answer("gap", {"gap": {"events": ["error"]}}, 200, WHOLE, Verdict.FAIL),
    Answer("refused", {"refused": [409]}, 409, b"{}", Verdict.PASS),
    Answer("refused", {"refused": [410]}, 409, b"{}", Verdict.FAIL),
    Answer("refused", {"refused": [409]}, 200, WHOLE, Verdict.FAIL),
]


@pytest.mark.parametrize("one", ANSWERS)
def test_an_unknown_cursor_gets_what_the_profile_says(one: Answer) -> None:
    profile = cursors(unknown={"send": int(SENT), "gets": one.gets}, **one.more)
    meant = {} if one.gets == "refused" else {"meant": "stream", "role": "resumed", "finished": True}
    trace = answered(CURSORS, 7, one.status, one.body, *one.fields, **meant)
    assert rulings("promptfloe", profile, trace)["CAT-09"].verdict is one.verdict


@pytest.mark.parametrize(
    ("over", "status", "verdict"), [([204], 204, Verdict.PASS), ([204], 410, Verdict.FAIL), ([410], 204, Verdict.FAIL)]
)
def test_a_status_tells_that_a_run_is_over(over: list[int], status: int, verdict: Verdict) -> None:
    profile = variant("promptfloe", lambda raw: raw["operations"]["attach"].update(over=over))
    found = rulings("promptfloe", profile, answered(BUILD, 3, status, b"", over=over))
    assert found["TRN-01"].verdict is verdict


@pytest.mark.parametrize(
    ("outcome", "status", "ids"),
    [("fails", 503, set()), ("fails", 500, {"TRN-01"}), ("succeeds", 503, {"TRN-01"})],
)
def test_a_run_may_fail_before_its_stream_begins(outcome: str, status: int, ids: set[str]) -> None:
    profile = variant("promptfloe", lambda raw: raw["operations"]["start:build"].update(fails_with=[503]))
    trace = dataclasses.replace(BUILD, exchanges=BUILD.exchanges[:1], stimulus={"outcome": outcome, "script": None})
    found = rulings("promptfloe", profile, answered(trace, 0, status, b"{}"))
    assert {name for name in ("TRN-01", "TRM-06") if found[name].findings} == ids
    assert (found["TRM-06"].verdict is Verdict.PASS) is (ids == set())
