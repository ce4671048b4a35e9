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


@pytest.mark.parametrize("was", [b"file_complete", b"file_parsing"])
def test_an_item_whose_failure_is_told_of_its_file_alone_was_finished(was: bytes) -> None:
    """In the pause, or before it."""
    one = examples("COS-38")[0]
    x = one.good.exchanges[0]
    path = "/srv/watched/streamvet-k3/burst-01.txt"
    of_file = b'"%b", "data": {"path": "%b"' % (was, path.encode())
    body = x.body.replace(of_file, of_file.replace(b'%b"' % was, b'file_failed"'.ljust(len(was) + 1)))
    untold = body.replace(
        b'queue_item_completed", "data": {"id": "1111', b'queue_item_forgotten", "data": {"id": "1111'
    )
    files = [*x.about["files"], {"at_us": 1_815_000, "did": "waited in vain", "path": path}]
    trace = replace(one.good, exchanges=(replace(x, body=untold, about={**x.about, "files": files}),))
    assert (len(untold), untold.count(b"file_failed"), untold.count(b"forgotten")) == (len(x.body), 1, 1)
    assert CHECKS["COS-38"](trace, COSMA) == []
