"""Where a race is aimed: at the end of the runs before it, half of the moments near it."""

from __future__ import annotations

import random

from streamvet.probes.aim import Aim


def test_it_follows_the_ends_of_the_last_runs() -> None:
    aim, dice = Aim(60.0), random.Random(1)
    for _ in range(9):
        aim.ended(500.0)
    for _ in range(9):
        aim.ended(100.0)
    moments = [aim.moment_ms(dice) for _ in range(400)]
    assert all(70.0 <= one <= 130.0 for one in moments)
    near = [one for one in moments if 96.0 <= one <= 104.0]
    assert 0.4 < len(near) / len(moments) < 0.7


def test_it_begins_with_what_the_script_says_and_never_before_the_run() -> None:
    dice = random.Random(1)
    assert all(30.0 <= Aim(60.0).moment_ms(dice) <= 90.0 for _ in range(100))
    assert min(Aim(1.0).moment_ms(dice) for _ in range(100)) == 0.0
