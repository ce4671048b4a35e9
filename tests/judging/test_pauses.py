"""TRN-03 against runs that are played here: what is late by the script's clock, whatever the gaps between events."""

from __future__ import annotations

import json
import re
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.checks.transport import released
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.outcome import NotExercised
from streamvet.trace import Ending, Exchange, Head, Late, Request, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.outcome import Outcome

PROFILE = load_profile("promptfloe")
HEADERS = (("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked"))
# The script emits at 60, 560 and 1,160 ms, and the run ends at 1,860 ms.
EMITS = [{"type": "file", "path": f"{number}", "contents": "x"} for number in range(3)]
SCRIPT: list[Any] = [
    {"wait_ms": 60},
    {"emit": EMITS[0]}, {"wait_ms": 500},
    {"emit": EMITS[1]}, {"wait_ms": 600},
    {"emit": EMITS[2]}, {"wait_ms": 700},
]  # fmt: skip
ON_TIME = (62, 562, 1162, 1862)


def stream(name: str, came_ms: Sequence[int], *, operation: str = "attach", sent_ms: int = 5) -> Exchange:
    """A reader that had the three events and the ending at these times."""
    documents = [*({"id": number + 1, **emit} for number, emit in enumerate(EMITS)), {"type": "ready", "id": 4}]
    lines = [json.dumps(document).encode() + b"\n" for document in documents]
    ends = array("q", [sum(map(len, lines[: number + 1])) for number in range(len(lines))])
    over_us = max(came_ms) * 1000 + 500
    return Exchange(
        id=name, operation=operation, role="reader", about={"meant": "stream", "account": "primary", "run": "r1"},
        request=Request("GET", "http://x/", (), None), sent_us=sent_ms * 1000,
        head=Head(200, "HTTP/1.1", HEADERS, (sent_ms + 1) * 1000), body=b"".join(lines), ends=ends,
        times=array("q", [at * 1000 for at in came_ms]), ending=Ending.COMPLETE, ended_us=over_us,
    )  # fmt: skip


def judged(*others: Sequence[int], first: Sequence[int] = ON_TIME, late_ms: int = 0, **stimulus: Any) -> Outcome:
    """TRN-03 of the reader of the start and of others."""
    start = stream("x1", first, operation="start:build", sent_ms=0)
    more = [stream(f"x{number}", came) for number, came in enumerate(others, start=2)]
    said = {"name": "pauses", "kind": "build", "outcome": "succeeds", "script": SCRIPT, **stimulus}
    trace = Trace(
        "pause", said, (start, *more), PROFILE.name, PROFILE.digest, load_registry().revision, 1.0,
        late=(Late(first[2] * 1000 - late_ms * 1000, late_ms * 1000),),
    )  # fmt: skip
    return released(trace, PROFILE)


@pytest.mark.parametrize(
    ("first", "want", "seen"),
    [
        (ON_TIME, None, None),
        ((362, 1062, 1962, 2862), None, None),  # a machine on which everything takes longer
        ((262, 762, 1362, 2062), None, None),  # a run that begins late
        ((562, 1162, 1862, 1862), "event 1 at least 1550 ms before the ending: the run pauses 500 ms", "1300 ms"),
        ((62, 562, 1862, 1863), "event 3 at least 350 ms before the ending: the run pauses 700 ms", "1 ms"),
        ((500, 1000, 1500, 2000), "event 1 at least 1550 ms before the ending: the run pauses 500 ms", "1500 ms"),
        ((62, 900, 1162, 1862), "event 2 at least 300 ms before the next: the run pauses 600 ms", "262 ms"),
    ],
)
def test_an_event_is_there_before_its_pause_is_over(first: tuple[int, ...], want: str | None, seen: str | None) -> None:
    outcome = judged(first=first)
    assert isinstance(outcome, list)
    found = [(one.expected, re.split("[,;]", one.seen)[0]) for one in outcome]
    assert found == ([] if want is None else [(want, f"held back: {seen} between them")])


def test_no_reader_is_later_than_another_by_a_pause() -> None:
    outcome = judged((62, 562, 1162, 1862), (62, 900, 1163, 1862))
    assert isinstance(outcome, list)
    assert [(one.exchange, one.expected, one.seen.partition(";")[0]) for one in outcome] == [
        (
            "x3",
            "event 2 at most 300 ms after exchange x1 had it: the run pauses 600 ms",
            "held back: 338 ms after that",
        ),
    ]


def test_an_ending_that_a_script_does_not_bring_about_says_nothing() -> None:
    assert judged(first=(62, 562, 1162, 1163), outcome="hangs") == []


def test_a_suite_that_was_late_cannot_tell() -> None:
    late = (62, 562, 1862, 1863)
    assert judged(first=late, late_ms=176) == NotExercised("harness late by 176 ms", due=True)
    assert judged(first=late, late_ms=174) == judged(first=late)
    assert judged(late_ms=600) == []
