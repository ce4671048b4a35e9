"""A case: the smallest stimulus that shows a finding, as a file from which it can be performed again.

It needs nothing that made it. The form is `schemas/meta/case.schema.json`. Must not know how a case is performed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from streamvet.contract.files import FileError, check_shape, read_json
from streamvet.contract.registry import load_registry
from streamvet.generation.story import told
from streamvet.masking import veiled
from streamvet.probes import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.generation.form import Form
    from streamvet.generation.reducing import Found
    from streamvet.probes.setting import Stimulus

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `expected` and `seen` are those of its finding, `fails` in how many of `runs` tries it came again."""

    profile: str
    digest: str
    revision: int
    seed: int
    time_scale: float
    probe: str
    requirement: str
    stimulus: Stimulus
    expected: str
    seen: str
    story: str
    fails: int
    runs: int

    @property
    def often(self) -> str:
        """How often it fails, for people."""
        if self.runs and not self.fails:
            return f"fails 0 of {self.runs}: it may depend on what was tried before it, or beside it"
        return f"fails {self.fails} of {self.runs}" if self.runs else "not tried again"


def case_of(found: Found, profile: Profile, seed: int, scale: float, form: Form | None) -> Case:
    """What exploring has found, as a case."""
    finding = found.finding
    return Case(
        profile=profile.name,
        digest=profile.digest,
        revision=load_registry().revision,
        seed=seed,
        time_scale=scale,
        probe=PROGRAM.name,
        requirement=found.requirement,
        stimulus=found.stimulus,
        expected=finding.expected,
        seen=finding.seen,
        story=told(found.stimulus, scale, finding.seen, form),
        fails=found.fails,
        runs=found.runs,
    )


def save(case: Case, folder: Path) -> Path:
    """Write a case into a folder, which is made where it is missing; gives its file.

    Raises:
        FileError: where that cannot be.
    """
    path = folder / f"{case.profile}-{case.requirement.lower()}-seed-{case.seed}.case.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, **asdict(case)}, indent=2)
        path.write_text(veiled(text) + "\n", encoding="utf-8")
    except OSError as error:
        raise FileError(path, "", "a file that can be written", error.strerror or "an error") from error
    return path


def load_case(path: Path) -> Case:
    """Read a case.

    Raises:
        FileError: where it is none, or of a requirement that there is not.
    """
    raw = read_json(path)
    check_shape(raw, "case", path)
    row = load_registry().rows.get(raw["requirement"])
    if row is None or row.excluded is not None:
        raise FileError(path, "/requirement", "the id of a requirement that is checked", repr(raw["requirement"]))
    return Case(**{key: value for key, value in raw.items() if key != "format"})


def hold_to(case: Case, profile: Profile, path: Path) -> None:
    """Refuse a case of another profile: its stimulus may mean nothing there.

    Raises:
        FileError: where it is of another one, or of another state of this one, or starts what this one has not.
    """
    if case.profile != profile.name:
        raise FileError(path, "/profile", profile.name, repr(case.profile))
    if case.digest != profile.digest:
        raise FileError(path, "/digest", f"that of profile {profile.name}, {profile.digest[:12]}…", case.digest[:12])
    kinds = [one.kind for one in profile.starts]
    if kinds and case.stimulus.get("kind") not in kinds:
        raise FileError(path, "/stimulus/kind", f"one of {', '.join(kinds)}", repr(case.stimulus.get("kind")))
