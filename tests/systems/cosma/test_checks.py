"""What the findings about cosma say was seen: the ids alone do not tell a reader what to mend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases, examples
from streamvet.systems.cosma.checks import CHECKS
from streamvet.systems.cosma.checks.announced import cooldown_us

COSMA = load_profile("cosma")

# The requirement, the note of its bad trace, and what was seen there.
SEEN = [
    ("COS-03", "No space after the colon.", '"data:{\\"opcod"'),
    ("COS-04", "The queue resumes without an announcement.", "none"),
    (
        "COS-23",
        "The cooldown ends when it would have ended without the change.",
        "cooldown_expires_at 1784102401.051, where it was 1784102401.051",
    ),
    (
        "COS-10",
        "A renamed file is announced as one deleted file and one new file.",
        'file_deleted of "renamed.txt" and file_created of "new-name.txt"',
    ),
]


@pytest.mark.parametrize(("row", "note", "seen"), SEEN, ids=[f"{row} {note}" for row, note, _ in SEEN])
def test_a_finding_says_what_came(row: str, note: str, seen: str) -> None:
    (bad,) = [one.bad for one in examples(row) if one.note == note]
    outcome = CHECKS[row](bad, COSMA)
    assert isinstance(outcome, list)
    assert [one.seen for one in outcome] == [seen]


# What the candidate was asked to cool down for before something happened, and the cooldown in µs that this makes.
COOLDOWNS: list[tuple[list[str | None], int | None]] = [
    ([], None),
    (['{"queue.cooldown_seconds": 1}'], 1_000_000),
    (['{"queue.cooldown_seconds": 1}', '{"queue.cooldown_seconds": 2.5}'], 2_500_000),
    (['{"queue.max_retries": 1}'], None),
    (["no JSON"], None),
    ([None], None),
]


@pytest.mark.parametrize(("bodies", "wanted"), COOLDOWNS, ids=str)
def test_the_cooldown_is_the_one_that_was_asked_for_last(bodies: list[str | None], wanted: int | None) -> None:
    trace = base_trace(bases()["cosma-held"])
    (settings,) = [x for x in trace.exchanges if x.operation == "trigger:settings"]
    others = [x for x in trace.exchanges if x is not settings]
    asked = [replace(settings, request=settings.request._replace(body=body)) for body in bodies]
    later = replace(
        settings, sent_us=9_000_000, request=settings.request._replace(body='{"queue.cooldown_seconds": 60}')
    )
    assert cooldown_us(replace(trace, exchanges=(*others, *asked, later)), COSMA, 8_000_000) == wanted
