"""What strategies have to know of a campaign: plain values, as they are used in another process.

Must not know strategies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.probes.program import CONNECTIONS

if TYPE_CHECKING:
    from streamvet.probes.scripts import Vocabulary
    from streamvet.probes.setting import Setting

_OUTCOMES = ("succeeds", "fails", "hangs")


@dataclass(frozen=True, slots=True)
class Start:
    """A kind of start, and the outcomes that a run of it can be made to have."""

    kind: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What can be tried on a candidate. `profile` is the profile's folder."""

    profile: str
    scale: float
    scripted: bool
    published: bool
    states: tuple[str, ...]  # the accounts whose view of an ambient state is known
    starts: tuple[Start, ...]
    cancels: bool
    restarts: bool
    records: bool
    strangers: tuple[str, ...]  # accounts that must not see another one's run
    connections: int
    joins: bool = True  # whether anybody can attach to a run that has a reader
    words: Vocabulary | None = None
    generation: str = ""  # of the system, where stimuli have a form of their own


def ground_of(setting: Setting, generation: str) -> Ground:
    """What can be tried, as the setting of a campaign has it."""
    target, profile = setting.target, setting.profile
    starts = (Start(one.kind, _outcomes(setting, one.kind)) for one in setting.starts)
    strangers = [name for name in ("other", "expired") if getattr(target, f"{name}_credentials")]
    secret = profile.field("auth.kind") not in (None, "none")
    known = [name for name, given in (("primary", target.credentials), ("other", target.other_credentials))
             if given and "email" in given]  # fmt: skip
    return Ground(
        profile=str(profile.folder),
        scale=setting.scale,
        scripted=setting.scripted,
        published=setting.published,
        states=tuple(known) if "state" in setting.can else (),
        starts=tuple(start for start in starts if start.outcomes),
        cancels=setting.has("cancel"),
        restarts=target.launch is not None
        and profile.field("catchup.after_restart") is not None
        and profile.streams == "run",
        records=setting.has("record"),
        strangers=("missing", *strangers) if secret else (),
        connections=min(CONNECTIONS, target.max_concurrency),
        joins=profile.streams != "run" or setting.joins,
        words=setting.words,
        generation=generation,
    )


def _outcomes(setting: Setting, kind: str) -> tuple[str, ...]:
    """The outcomes that a run of this kind can be made to have; nobody knows when one that hangs may be cancelled."""
    start = setting.profile.operations[f"start:{kind}"]
    wanted = _OUTCOMES if setting.scripted else _OUTCOMES[:2]
    return tuple(one for one in wanted if setting.no_input(setting.stimulus("", start, one)) is None)
