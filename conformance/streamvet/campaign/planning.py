"""Which tries there are: probes and stimuli that apply, in the order in which they are to begin, and what is left out.

Must not know how tries are run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamvet.probes.probe import Ambient
from streamvet.probes.program import is_alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.probes.probe import Probe
    from streamvet.probes.setting import Setting, Stimulus

# Where the profile has no such thing nothing was missed, and the requirement is not applicable anyway.
_NOTHING_MISSED = ""


@dataclass(frozen=True, slots=True)
class Try:
    """One probe with one stimulus. `wait_s` is what it has to wait in any case."""

    probe: Probe
    stimulus: Stimulus
    connections: int
    wait_s: float

    @property
    def alone(self) -> bool:
        """Whether nothing else may be tried meanwhile."""
        return self.probe.alone or is_alone(self.stimulus)

    @property
    def name(self) -> str:
        """For people."""
        kind = f" ({self.stimulus['kind']})" if "kind" in self.stimulus else ""
        return f"{self.probe.name}: {self.stimulus['name']}{kind}"


@dataclass(slots=True)
class Plan:
    """The tries that run beside each other, those that run alone afterwards, and what is not tried and why.

    On an ambient stream everybody reads what anybody brings about. So beside the others those that publish run one
    after the other, and then those that need silence.
    """

    together: list[Try] = field(default_factory=list)
    publishing: list[Try] = field(default_factory=list)
    silent: list[Try] = field(default_factory=list)
    alone: list[Try] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # requirement, reason
    starts_left: int | None = None  # runs that may be started besides those of the plan; None: as many as one likes

    @property
    def all(self) -> list[Try]:
        """Every try."""
        return [*self.together, *self.publishing, *self.silent, *self.alone]

    def add(self, one: Try, setting: Setting) -> None:
        """Put a try where it belongs."""
        beside = {
            Ambient.INDIFFERENT: self.together, Ambient.PUBLISHES: self.publishing, Ambient.NEEDS_SILENCE: self.silent,
        }  # fmt: skip
        (self.alone if one.alone else beside[one.probe.on_ambient(setting)]).append(one)

    def skip(self, probe: Probe, reason: str) -> None:
        """Note for every requirement that the probe serves why it was not tried."""
        if reason != _NOTHING_MISSED:
            self.skipped += [(requirement, f"not tried: {reason}") for requirement in probe.serves]


def plan_tries(probes: Iterable[Probe], setting: Setting, max_wait_s: float | None) -> Plan:
    """Everything that can be tried on this candidate, in the order of the table; what waits longest comes first.

    Of what runs alone, what ends the candidate comes last: nothing else meets one that has just come up.
    """
    plan = Plan()
    left = setting.target.max_starts
    for probe in probes:
        unmet = probe.unmet(setting)
        if unmet is not None:
            plan.skip(probe, unmet)
            continue
        for account in probe.accounts:
            if getattr(setting.target, f"{account}_credentials") is None:
                plan.skip(probe, f"no {account}_credentials in the target file")
        for stimulus in probe.stimuli(setting):
            one = Try(probe, stimulus, probe.streams(setting), probe.wait_ms(setting, stimulus) / 1000)
            reason = _impossible(one, setting, max_wait_s, left)
            if reason is not None:
                plan.skip(probe, reason)
                continue
            left = None if left is None else left - probe.runs(stimulus)
            plan.add(one, setting)
    plan.starts_left = left
    plan.together.sort(key=lambda one: -one.wait_s)
    plan.alone.sort(key=lambda one: "launch" in one.probe.needs)
    return plan


def plan_cases(probes: Iterable[Probe], setting: Setting, cases: Iterable[tuple[str, Stimulus]]) -> Plan:
    """Exactly these tries: the name of a probe and a stimulus each.

    Raises:
        KeyError: with a name that no probe has.
    """
    known = {probe.name: probe for probe in probes}
    plan = Plan()
    for name, stimulus in cases:
        probe = known[name]
        wait_s = probe.wait_ms(setting, stimulus) / 1000
        one = Try(probe, stimulus, min(probe.streams(setting), setting.target.max_concurrency), wait_s)
        plan.add(one, setting)
    return plan


def _impossible(one: Try, setting: Setting, max_wait_s: float | None, starts_left: int | None) -> str | None:
    limit = setting.target.max_concurrency
    if one.connections > limit:
        return f"{one.probe.name} holds {one.connections} connections at once, max_concurrency is {limit}"
    if max_wait_s is not None and one.wait_s > max_wait_s:
        return f"{one.probe.name} waits {one.wait_s:.1f} s, --max-wait is {max_wait_s:g} s"
    if starts_left is not None and one.probe.runs(one.stimulus) > starts_left:
        return f"{one.probe.name} starts {one.probe.runs(one.stimulus)} runs, of max_starts {starts_left} are left"
    return setting.no_input(one.stimulus)
