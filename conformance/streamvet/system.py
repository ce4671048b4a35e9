"""What a room under `systems/` hands on: the code that one built-in profile needs besides data, as one value.

Must not know any system.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streamvet.checks import CHECKS
from streamvet.probes import PROBES, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.outcome import Check
    from streamvet.probes.probe import Probe
    from streamvet.probes.scripts import Vocabulary


@dataclass(frozen=True, slots=True)
class System:
    """The code of one system. A profile of one's own has a system with a name and nothing else."""

    name: str  # of the profile
    own_checks: Mapping[str, Check] = field(default_factory=dict)  # of the requirements that only this system has
    own_probes: tuple[Probe, ...] = ()
    # Which of its requirements the generic probes exercise: the name of a probe -> ids.
    serves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Which requirements generic probes exercise on it only with the control interface: the name of a probe -> ids.
    scripted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Vocabulary | None = None  # of its scripts, where they take more than the templates of the profile
    program: Probe = PROGRAM  # performs what is generated
    # The dotted path of a module with `FORM` (a `generation.form.Form`), where generated stimuli have a form of their
    # own. Only who generates imports it.
    generation: str = ""
    of_bytes: frozenset[str] = frozenset()  # the ids of its own that captured bytes alone can violate

    @property
    def checks(self) -> Mapping[str, Check]:
        """A check for each requirement that may apply to the system."""
        return {**CHECKS, **self.own_checks}

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The probes that may be tried on the system: the one for what is generated, the generic ones, its own."""
        generic = (
            replace(
                one,
                serves=(*one.serves, *self.serves.get(one.name, ())),
                scripted=(*one.scripted, *self.scripted.get(one.name, ())),
            )
            for one in PROBES
        )
        return (self.program, *generic, *self.own_probes)
