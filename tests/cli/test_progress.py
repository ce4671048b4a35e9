"""The line on a campaign: what is done, what is under way, what it waits for, and for how long."""

from __future__ import annotations

import pytest

from streamvet.campaign import Progress, Running
from streamvet.cli.progress import told

RACE = Running("race: joining (run)", 0.0, 1.0)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(3, 3, (), 0.0), "x: 3 of 3 tries"),
        (Progress(2, 3, (), 0.0, 7), "x: 2 of 3 tries and 7 generated ones; waits for other work to finish"),
        (Progress(1, 3, (RACE, RACE), 0.0), "x: 1 of 3 tries; running race: joining (run)"),
        (
            Progress(1, 3, (RACE, Running("cancel: an active run (run)", 0.0, 34.2)), 0.0),
            "x: 1 of 3 tries; running cancel: an active run (run) for 34 s, race: joining (run)",
        ),
        (
            Progress(1, 4, tuple(Running(f"wait {n}", 45.0, 5.0) for n in range(3)), 40.0),
            "x: 1 of 4 tries; waits for wait 0 40 s, wait 1 40 s and 1 more",
        ),
        (
            Progress(1, 3, (Running("own cuts", 0.0, 34.2, "the end", 25.6),), 0.0, deadline_s=9.4),
            "x: 1 of 3 tries; running own cuts for 34 s, and for the end 26 s more at most; the deadline is in 9 s",
        ),
    ],
)
def test_the_line_on_a_campaign(progress: Progress, line: str) -> None:
    assert told("x", progress) == line
