"""What is known before the first try: profile, target, time scale, what the control interface can, how much to try.

From this, probes derive their stimuli. Must not know the driver or any socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.probes import scripts
from streamvet.probes.bounds import bounds_of, work_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Operation, Profile
    from streamvet.contract.target import Target
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.scripts import Emit, Step, Vocabulary

Stimulus = dict[str, Any]

# Real time from the start of a run to its first event, so that readers are there before it; a loopback round trip
# takes 2 ms, one across an ocean 150.
LEAD_MS = 60.0
# Between two events, so that they come one by one: long against a loopback round trip, short against everything else.
STEP_MS = 12.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How often to repeat what only shows once in a while."""

    races: int = 500  # cancellations against the end of a run; the most that a statement of a system asks for
    churns: int = 500  # short connections, where the profile asks for so many
    joins: int = 12  # late readers of one run: more than a burst has events
    crowd: int = 1000  # events for a crowd of readers; the most that a statement of a system asks for
    history: int = 1100  # events of one run: more than a buffer of the last 500 or 1,000 keeps


FULL_EFFORT = Effort()
SMALL_EFFORT = Effort(races=20, churns=20, joins=6, crowd=100, history=0)


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything on which the choice of stimuli depends."""

    profile: Profile
    target: Target
    scale: float
    can: frozenset[str]  # what the candidate's control interface says it can
    words: Vocabulary | None
    seed: int = 0
    effort: Effort = FULL_EFFORT
    run_s: float = 120.0  # for a run of which nobody knows how long it takes; a campaign has a deadline to say so

    @property
    def scripted(self) -> bool:
        """Whether runs do what we tell them."""
        return "script" in self.can and self.words is not None

    @property
    def published(self) -> bool:
        """Whether the ambient stream says what we tell it."""
        return "publish" in self.can and self.words is not None

    @property
    def triggers(self) -> list[str]:
        """The triggers that can be made to happen: as the target file says, or by an operation of the same name."""
        named = self.profile.field("triggers") or {}
        return [one for one in named if one in self.target.triggers or f"trigger:{one}" in self.profile.operations]

    @property
    def starts(self) -> list[Operation]:
        """The operations that start a run and that the candidate has."""
        return [one for one in self.profile.starts if one.name not in self.target.lacks]

    @property
    def main(self) -> Operation:
        """The first of them, or the ambient stream: what is not about starting is tried there."""
        return self.starts[0] if self.starts else self.profile.operations["attach"]

    @property
    def kind_of_existing(self) -> str:
        """The kind of a run that was there before: what the target says, or the only one that there is."""
        return self.target.existing.get("kind") or (self.starts[0].kind if len(self.starts) == 1 else "")

    def bounds(self, steps: Sequence[Step] | None) -> Bounds:
        """The waits of a try whose runs perform `steps`, or do their own work where they are None."""
        own_s = work_s(self.scale, controlled=self.scripted, most_s=self.run_s)
        return bounds_of(self.profile, self.scale, steps, own_s)

    def has(self, operation: str) -> bool:
        """Whether the profile has the operation and the candidate does not lack it."""
        return operation in self.profile.operations and operation not in self.target.lacks

    @property
    def joins(self) -> bool:
        """Whether somebody can attach to a run that has had a reader."""
        return self.has("attach") and self.profile.field("readers.at_most") != 1

    @property
    def stops_ms(self) -> float | None:
        """Within which real time a run stops that nobody reads; None where it goes on, or nothing is said of it."""
        within_ms = self.profile.field("readers.on_disconnect.stops_within_ms")
        return within_ms and self.profile.tolerance_us(within_ms, self.scale) / 1000

    def plain(self, start: Operation, count: int) -> list[Emit]:
        """Events that a run of this kind may emit; none where it is not told what to do."""
        return scripts.plain(self.profile, start, self.words, count) if self.words else []

    def wait(self, real_ms: float) -> Step:
        """A step of a script that takes so long."""
        return scripts.wait(real_ms, self.scale)

    def stimulus(
        self, name: str, start: Operation, outcome: str, steps: Sequence[Step] | None = None, **more: Any
    ) -> Stimulus:
        """One stimulus. With control the run performs `steps`; without, it does what the target's input does."""
        made: Stimulus = {"name": name, "kind": start.kind, "outcome": outcome}
        if self.scripted:
            made |= {"script": list(steps or ()), "input": "succeeds"}
        else:
            made |= {"script": None, "input": "long" if outcome == "hangs" else outcome}
            made["outcome"] = None if outcome == "hangs" else outcome
        return made | more

    def saying(self, name: str, steps: Sequence[Step], **more: Any) -> Stimulus:
        """A stimulus that publishes `steps` on an ambient stream."""
        return {"name": name, "outcome": None, "script": list(steps)} | more

    def no_input(self, stimulus: Stimulus) -> str | None:
        """Why a stimulus cannot be had, None where it can."""
        if stimulus.get("script") is not None or "kind" not in stimulus:
            return None
        bodies = self.target.inputs.get(stimulus["kind"], {})
        default = "body" in stimulus or self.profile.operations[f"start:{stimulus['kind']}"].body is not None
        if stimulus["input"] in bodies or (self.scripted and stimulus["input"] == "succeeds" and default):
            return None
        return (
            f"no input that {_INPUT_WORDS[stimulus['input']]} for {stimulus['kind']} in the target file, and no control"
        )


_INPUT_WORDS = {"succeeds": "succeeds", "fails": "fails", "long": "takes long"}
