"""When a run with a fault is as it must be: a pure function of verdicts, and the matrix of all of them.

Must not know how runs are performed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet.outcome import Verdict
from streamvet.verdicts import VIOLATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from streamvet.reference import Fault


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a profile, and a fault, two of them or none. `given` is the profile's row of the server's accounts."""

    profile: str
    given: Mapping[str, Any]
    fault: Fault | None
    ports: tuple[int, ...]  # of the server and its replicas
    keep: Path | None  # the folder for its traces
    other: Fault | None = None  # of a pair

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that are committed."""
        return tuple(one for one in (self.fault, self.other) if one is not None)

    @property
    def name(self) -> str:
        """For people."""
        return f"{' and '.join(one.name for one in self.faults) or 'honest'} on {self.profile}"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a run. `first` has the first finding of each id that has one, as text."""

    job: Job
    verdicts: Mapping[str, Verdict]
    causes: Mapping[str, frozenset[str]] = field(default_factory=dict)  # of what is inconclusive
    levels: Mapping[str, str] = field(default_factory=dict)  # of each requirement, on the profile
    first: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    duration_s: float = 0.0
    late: bool = False  # an id is inconclusive because the harness was late


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the kill matrix: a fault on a profile, what went wrong, and how the fault was seen.

    Of a pair with the other fault, and which of the two ids were found; the rest is shown under these.
    """

    fault: Fault
    profile: str
    wrong: tuple[str, ...]
    seen: str
    other: Fault | None = None
    found: tuple[str, ...] = ()


def compare(
    honest: Mapping[str, Verdict], faulty: Mapping[str, Verdict], fault: Fault, levels: Mapping[str, str],
    causes: Mapping[str, frozenset[str]],
) -> list[str]:  # fmt: skip
    """What is wrong with the verdicts of a faulty run, held against those of the honest one; [] where nothing is.

    The named id fails, or warns, or is noted, by its level on the profile; another one may become inconclusive where
    its ruling names that id among its `causes`, or one that this id explains; nothing else changes.
    """
    wrong: list[str] = []
    if fault.id is not None:
        expected = VIOLATED[levels[fault.id]]
        if honest.get(fault.id) is not Verdict.PASS:
            wrong.append(f"{fault.id}: expected PASS on the honest server, got {_told(honest.get(fault.id))}")
        if faulty.get(fault.id) is not expected:
            wrong.append(f"{fault.id}: expected {expected.value}, got {_told(faulty.get(fault.id))}")
    return wrong + _changed(honest, faulty, [fault.id] if fault.id else [], causes)


def compare_pair(
    honest: Mapping[str, Verdict], faulty: Mapping[str, Verdict], pair: tuple[Fault, Fault], levels: Mapping[str, str],
    causes: Mapping[str, frozenset[str]],
) -> list[str]:  # fmt: skip
    """The same for two faults that were committed together: both ids are found, or one is shown under the other."""
    ids = [one.id for one in pair if one.id is not None]
    wrong: list[str] = []
    for one in ids:
        expected, now = VIOLATED[levels[one]], faulty.get(one)
        under = now is Verdict.INCONCLUSIVE and not _roots(one, causes).isdisjoint(set(ids) - {one})
        if now is not expected and not under:
            wrong.append(f"{one}: expected {expected.value}, or a cause that is the other fault, got {_told(now)}")
    if not found_of(pair, faulty, levels):
        wrong.append(f"{' and '.join(ids)}: expected one of them to be found, got none")
    return wrong + _changed(honest, faulty, ids, causes)


def _changed(
    honest: Mapping[str, Verdict], faulty: Mapping[str, Verdict], ids: Sequence[str],
    causes: Mapping[str, frozenset[str]],
) -> list[str]:  # fmt: skip
    """What is otherwise than on the honest server, of other requirements than these, and not explained by them."""
    wrong: list[str] = []
    for one, verdict in honest.items():
        now = faulty.get(one)
        explained = now is Verdict.INCONCLUSIVE and not _roots(one, causes).isdisjoint(ids)
        if one not in ids and now is not verdict and not explained:
            wrong.append(f"{one}: expected {verdict.value} as on the honest server, got {_told(now)}")
    return wrong


def found_of(pair: tuple[Fault, Fault], faulty: Mapping[str, Verdict], levels: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of a pair that have findings of their own."""
    ids = [one.id for one in pair if one.id is not None]
    return tuple(one for one in ids if faulty.get(one) is VIOLATED[levels[one]])


def _roots(name: str, causes: Mapping[str, frozenset[str]]) -> set[str]:
    """The causes of a ruling, and theirs."""
    found: set[str] = set()
    left = list(causes.get(name, ()))
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left.extend(causes.get(one, ()))
    return found


def _told(verdict: Verdict | None) -> str:
    return verdict.value if verdict else "no verdict"


def matrix(results: Iterable[Done]) -> list[Cell]:
    """The kill matrix: every fault on every profile against the honest run of that profile.

    Where that run is not done, as somebody has interrupted it, there is nothing to hold its others against.
    """
    done = list(results)
    honest = {one.job.profile: one for one in done if one.job.fault is None}
    return [
        _cell(one, one.job.fault, honest[one.job.profile])
        for one in done
        if one.job.fault is not None and one.job.profile in honest
    ]


def _cell(one: Done, fault: Fault, honest: Done) -> Cell:
    errors = [f"the suite itself: {error.strip().rpartition(chr(10))[2]}" for error in (*honest.errors, *one.errors)]
    other, lines, found = one.job.other, list[str](), tuple[str, ...]()
    if one.verdicts and honest.verdicts and other is None:
        lines = compare(honest.verdicts, one.verdicts, fault, one.levels, one.causes)
    elif one.verdicts and honest.verdicts and other is not None:
        found = found_of((fault, other), one.verdicts, one.levels)
        lines = compare_pair(honest.verdicts, one.verdicts, (fault, other), one.levels, one.causes)
    wrong = (*errors, *(_with_finding(line, one) for line in lines))
    seen = one.first.get((found or (fault.id or "",))[0], "")
    return Cell(fault, one.job.profile, wrong, seen, other, found)


def _with_finding(line: str, one: Done) -> str:
    """What is wrong, with the finding that made it so."""
    finding = one.first.get(line.partition(":")[0])
    return f"{line} ({finding})" if finding else line
