"""What the findings about cosma say was seen: the ids alone do not tell a reader what to mend."""

from __future__ import annotations

import pytest

from streamvet.checks.cosma import CHECKS
from streamvet.contract.profile import load_profile
from streamvet.examples import examples

COSMA = load_profile("cosma")

# The requirement, the note of its bad trace, and what was seen there.
SEEN = [
    ("COS-03", "No space after the colon.", "'data:{\"opcod'"),
    ("COS-04", "That the queue goes on is not told.", "none"),
    (
        "COS-08",
        "The cooldown ends when it would have ended without the change.",
        "cooldown_expires_at 1784102401.051, where it was 1784102401.051",
    ),
    (
        "COS-10",
        "A file that is renamed is told to be gone, and another one to be new.",
        "file_deleted of 'renamed.txt' and file_created of 'new-name.txt'",
    ),
]


@pytest.mark.parametrize(("row", "note", "seen"), SEEN, ids=[f"{row} {note}" for row, note, _ in SEEN])
def test_a_finding_says_what_came(row: str, note: str, seen: str) -> None:
    (bad,) = [one.bad for one in examples(row) if one.note == note]
    outcome = CHECKS[row](bad, COSMA)
    assert isinstance(outcome, list)
    assert [one.seen for one in outcome] == [seen]
