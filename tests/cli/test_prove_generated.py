"""The hunt for hidden faults: what the table of it says, what is enough, and one hunt that is really made."""

from __future__ import annotations

import pytest

from streamvet.cli import call
from streamvet.cli.proving import caught
from streamvet.prove import Catch, Hunt, Hunted, catches, hunts
from streamvet.reference import REPLICAS, Fault, faults

ODD = Fault("odd", "EVT-09", ("ghostly", "cosma"), "now and then", honest=False, generated=True)
RARE = Fault("rare", "CAT-03", ("ghostly",), "seldom", honest=False, generated=True)


def hunted(fault: Fault, profile: str, seed: int, tries: int = 0) -> Hunted:
    """A hunt that found it by a try, or did not."""
    hunt = Hunt(fault, profile, {}, seed, (1,))
    if not tries:
        return Hunted(hunt, found=False, tries=99, requests=999)
    return Hunted(hunt, True, tries, 10 * tries, 2 * tries, 3 * tries, fails=4, runs=5, seen="less")


def test_hunts_are_every_fault_on_each_of_its_profiles_with_each_seed() -> None:
    given = {"ghostly": {"a": 1}, "cosma": {}, "promptfloe": {}}
    made = hunts([ODD, RARE], given, ["cosma", "ghostly"], range(2))
    assert [one.name for one in made] == [
        "odd on ghostly with seed 0",
        "odd on ghostly with seed 1",
        "odd on cosma with seed 0",
        "odd on cosma with seed 1",
        "rare on ghostly with seed 0",
        "rare on ghostly with seed 1",
    ]
    assert made[0].given == {"a": 1}
    assert len({port for one in made for port in one.ports}) == len(made) * (1 + REPLICAS)


def test_a_row_has_the_medians_of_the_seeds_that_found_it() -> None:
    results = [hunted(ODD, "ghostly", seed, tries) for seed, tries in enumerate((4, 0, 10, 6, 1))]
    results.append(hunted(RARE, "ghostly", 0))
    assert catches(results) == [
        Catch("odd", "EVT-09", "ghostly", 4, 5, 5, 50, 10, 15, fails=16, runs=20),
        Catch("rare", "CAT-03", "ghostly", 0, 1, None, None, None, None, fails=0, runs=0),
    ]


@pytest.mark.parametrize(
    ("found", "seeds", "enough"),
    [(10, 10, True), (9, 10, True), (8, 10, False), (1, 1, True), (0, 1, False), (4, 5, False), (18, 20, True)],
)
def test_nine_of_ten_are_enough(found: int, seeds: int, *, enough: bool) -> None:
    (row,) = catches([hunted(ODD, "ghostly", seed, int(seed < found)) for seed in range(seeds)])
    assert row.enough is enough


def test_the_table() -> None:
    rows = catches([hunted(ODD, "ghostly", 0, 4), hunted(ODD, "cosma", 0, 3), hunted(RARE, "ghostly", 0)])
    assert str(caught(rows)).splitlines() == [
        "EVT-09  odd   ghostly   1 of 1  found in 4 tries, 40 requests; smallest in 8, 12",
        "EVT-09  odd   cosma     1 of 1  found in 3 tries, 30 requests; smallest in 6, 9",
        "CAT-03  rare  ghostly   0 of 1",
        "",
        "2 of 3 found with enough seeds; tries and requests are medians",
    ]


def test_neither_proof_knows_the_faults_of_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = next(one.name for one in faults() if one.generated)
    shown = next(one.name for one in faults() if not one.generated)
    assert call(["prove", "--fault", hidden]) == 2
    assert call(["prove", "--generated", "--fault", shown]) == 2
    capsys.readouterr()


@pytest.mark.live
def test_a_hunt(capsys: pytest.CaptureFixture[str]) -> None:
    row = next(one for one in faults() if one.name == "data-key-twice")
    profile = row.profiles[0]
    assert call(["prove", "--generated", "--seeds", "1", "--fault", row.name, "--profile", profile]) == 0
    assert f"{row.id}  {row.name}  {profile}   1 of 1  found in " in capsys.readouterr().out
