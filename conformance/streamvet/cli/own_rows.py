"""The proof of requirements of one's own: in the example traces beside them each check finds what it is for, only that.

Must not know how a command runs, nor what a trace says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.commands import Spool, perform
from streamvet.contract.files import FileError
from streamvet.contract.records import wrong_in
from streamvet.contract.registry import OWN_FILE, load_registry
from streamvet.examples import base_file, own_examples, own_file
from streamvet.trace import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.contract.requirement import Requirement
    from streamvet.examples import Example
    from streamvet.outcome import Outcome
    from streamvet.trace import Trace

Outcomes = dict[int, dict[str, "Outcome"]]  # by the number of a trace, then by requirement


def check_traces(profile: Profile, rows: Sequence[Requirement]) -> list[Example]:
    """The example traces of a folder: they are as a recorded trace is, and each requirement has a bad one.

    Raises:
        FileError: where one has none, where one is about a requirement that this profile does not have, or where a file
            is wrong.
    """
    found, path = own_examples(profile), own_file(profile)
    applicable = {row.id for row in rows}
    for index, one in enumerate(found):
        if one.requirement not in applicable:
            want = f"a requirement that applies to {profile.name}"
            raise FileError(path, f"/{index}/id", want, f"{one.requirement}, whose applies_to leaves it out")
        _check_records(one.good, base_file(one.base, path), "")
        _check_records(one.bad, path, f"/{index}")
    for row in rows:
        if not any(one.requirement == row.id and not one.holds for one in found):
            raise FileError(path, "", f"a row for {row.id}, with a trace that violates it", "none")
    return found


def _check_records(trace: Trace, path: Path, place: str) -> None:
    for record in records(trace):
        wrong = wrong_in(record)
        if wrong is not None:
            raise FileError(path, place, *wrong)


def misfits(profile: Profile, rows: Sequence[Requirement], found: Sequence[Example]) -> list[FileError]:
    """What the commands say of the example traces that they should not say.

    Raises:
        FileError: where a command fails.
    """
    spool = Spool()
    goods = {one.base: spool.add(one.good).number for one in found}
    bads = [spool.add(one.bad).number for one in found]
    outcomes = _outcomes(profile, rows, spool)
    ids = [row.id for row in rows]
    wrong: list[FileError] = []
    for base, number in goods.items():
        for one in _guilty(outcomes, number, ids):
            place = base_file(base, own_file(profile))
            wrong.append(FileError(place, "", "a trace that violates nothing", _said(outcomes, number, one)))
    for index, (example, number) in enumerate(zip(found, bads, strict=True)):
        for expected, got in _wrong_with(example, number, goods[example.base], outcomes, ids):
            wrong.append(FileError(own_file(profile), f"/{index}", expected, got))
    return wrong


def _outcomes(profile: Profile, rows: Sequence[Requirement], spool: Spool) -> Outcomes:
    outcomes: Outcomes = {}
    order = [row.id for row in load_registry(profile).rows.values() if row.family == profile.name]
    for sharing, answer in perform(rows, profile.folder, spool):
        if answer.error:
            place = f"/requirements/{order.index(sharing[0].id)}/check/command"
            raise FileError(profile.folder / OWN_FILE, place, "a command that prints outcomes", answer.error)
        for (requirement, number), outcome in answer.outcomes.items():
            outcomes.setdefault(number, {})[requirement] = outcome
    return outcomes


def _wrong_with(
    example: Example, number: int, good: int, outcomes: Outcomes, ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What was expected of a row and what was got."""
    mine = example.requirement
    if not isinstance(outcomes.get(good, {}).get(mine), list):
        yield f"{example.base} to exercise {mine}", _said(outcomes, good, mine)
    if example.holds:
        if not isinstance(outcomes.get(number, {}).get(mine), list):
            yield f"the edited trace to exercise {mine}", _said(outcomes, number, mine)
        wanted: set[str] = set()
    else:
        wanted = {mine}
    guilty = _guilty(outcomes, number, ids)
    for one in ids:
        if one in wanted and one not in guilty:
            yield f"a finding for {one}", _said(outcomes, number, one)
        elif one in guilty and one not in wanted:
            yield f"no finding for {one}", _said(outcomes, number, one)


def _guilty(outcomes: Outcomes, number: int, ids: Sequence[str]) -> list[str]:
    """The requirements that have findings in a trace."""
    said: Mapping[str, Outcome] = outcomes.get(number, {})
    return [one for one in ids if isinstance(found := said.get(one), list) and found]


def _said(outcomes: Outcomes, number: int, requirement: str) -> str:
    """What a command says of a trace, in words."""
    outcome = outcomes.get(number, {}).get(requirement)
    if outcome is None:
        return "no outcome"
    if not isinstance(outcome, list):
        return f"not exercised: {outcome.reason}"
    if not outcome:
        return "exercised, without a finding"
    return f"one for {requirement} in exchange {outcome[0].exchange}: {outcome[0].expected}; seen {outcome[0].seen}"
