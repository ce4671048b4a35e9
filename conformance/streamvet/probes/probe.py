"""What a row of the table of probes is, and the conditions that it may name.

Must not know the probes themselves, nor how they are scheduled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from streamvet.contract.evidence import Evidence
from streamvet.probes.driver import Driver
from streamvet.probes.setting import Setting, Stimulus

Act = Callable[[Driver, Stimulus], Awaitable[None]]
# None: it holds. "": the profile has nothing of the kind, so nothing is missed. Else why it does not hold.
Condition = Callable[[Setting], str | None]


class Ambient(Enum):
    """What a probe does to an ambient stream, or needs of it: everybody reads what anybody brings about there."""

    INDIFFERENT = "indifferent"  # neither of these
    PUBLISHES = "publishes"  # it makes events come, so that one such probe runs after the other
    NEEDS_SILENCE = "needs silence"  # it runs after all that publish


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe: what it does, for which requirements, with which stimuli, and what it takes."""

    name: str
    act: Act
    serves: tuple[str, ...]
    stimuli: Callable[[Setting], list[Stimulus]]
    needs: tuple[str, ...] = ()
    scripted: tuple[str, ...] = ()  # of those that it serves, what only a run that follows a script exercises
    connections: int | Callable[[Setting], int] = 2  # streams that it holds at once
    starts: int | Callable[[Stimulus], int] = 1  # runs that one try starts
    wait_ms: Callable[[Setting, Stimulus], float] = lambda _setting, _stimulus: 0.0  # real time that it has to wait
    # How late the harness may be while it waits, in real time; None: a part of the profile's own tolerance.
    tolerates_late_ms: Callable[[Setting, Stimulus], float] | None = None
    # How many connections a generated stimulus holds; None: as many as any try of the probe.
    holds: Callable[[Stimulus], int] | None = None
    anonymous: bool = False  # it needs no account of the target file
    accounts: tuple[str, ...] = ()  # whom it would be, besides the first account
    ambient: Ambient | Callable[[Setting], Ambient] = Ambient.INDIFFERENT
    undisturbed: bool = False  # planned tries may publish on its ambient stream meanwhile, generated ones may not
    alone: bool = False  # it kills, limits or loads the candidate: at the end, with nothing beside it

    def streams(self, setting: Setting) -> int:
        """How many connections a try holds at once."""
        return self.connections if isinstance(self.connections, int) else self.connections(setting)

    def on_ambient(self, setting: Setting) -> Ambient:
        """What it does to the ambient stream of this candidate."""
        return self.ambient if isinstance(self.ambient, Ambient) else self.ambient(setting)

    def runs(self, stimulus: Stimulus) -> int:
        """How many runs a try starts; none where the stimulus does not say of which kind."""
        if "kind" not in stimulus:
            return 0
        return self.starts if isinstance(self.starts, int) else self.starts(stimulus)

    def unmet(self, setting: Setting) -> str | None:
        """Why the probe cannot be tried at all: None, "" or a reason, as for a condition."""
        needs = self.needs if self.anonymous else (*self.needs, "account")
        unmet = [reason for reason in (CONDITIONS[need](setting) for need in needs) if reason is not None]
        return None if not unmet else "" if "" in unmet else "; ".join(unmet)


def _field(path: str, *wanted: object) -> Condition:
    """The profile has this field, with one of the values where there are some."""

    def holds(setting: Setting) -> str | None:
        value = setting.profile.field(path)
        return None if (value in wanted if wanted else value not in (None, False)) else ""

    return holds


def _operation(name: str) -> Condition:
    def holds(setting: Setting) -> str | None:
        if name not in setting.profile.operations:
            return ""
        return f"the target lacks {name}" if name in setting.target.lacks else None

    return holds


def _given(key: str) -> Condition:
    return lambda setting: None if getattr(setting.target, key) else f"no {key} in the target file"


def _can(what: str) -> Condition:
    def holds(setting: Setting) -> str | None:
        if setting.target.control is None:
            return "no control interface"
        return None if what in setting.can else f"the control interface cannot {what}"

    return holds


def _launched(setting: Setting) -> str | None:
    if setting.target.launch is None:
        return "no launch in the target file"
    return None if Evidence.LAUNCHED in setting.target.allows else "evidence in the target file allows no kill"


def _account(setting: Setting) -> str | None:
    nobody = setting.profile.field("auth.kind") in (None, "none")
    return None if nobody or setting.target.credentials else "no credentials in the target file"


def _email(setting: Setting) -> str | None:
    known = "email" in (setting.target.credentials or {})
    return None if known else "no e-mail address among the credentials, which a state needs to say who may see what"


def _triggers(setting: Setting) -> str | None:
    if setting.triggers:
        return None
    nothing_missed = not setting.profile.field("triggers") or "state" in setting.can  # the control interface does it
    return "" if nothing_missed else "no triggers in the target file"


_NO_WORDS = "the profile has no events.script.emits"


def _scripted(setting: Setting) -> str | None:
    if setting.profile.streams == "ambient":
        return ""
    if setting.scripted:
        return None
    return "no control interface" if setting.words or not setting.can else _NO_WORDS


def _happens(setting: Setting) -> str | None:
    """Whether something can be made to happen on an ambient stream: published, or by a trigger."""
    if setting.published or setting.triggers:
        return None
    return "neither triggers in the target file nor a control interface that publishes"


def _published(setting: Setting) -> str | None:
    if setting.published:
        return None
    if setting.profile.streams != "ambient" or setting.profile.field("events.script") is None:
        return ""
    return "no control interface that publishes" if setting.words else _NO_WORDS


def _joinable(setting: Setting) -> str | None:
    """Whether there are runs to whose beginning anybody can attach."""
    return None if setting.profile.streams == "run" and "attach" in setting.profile.operations else ""


def _attached(setting: Setting) -> str | None:
    """The same for several readers of a run, or streams that nobody joins."""
    if setting.profile.streams == "run" and setting.profile.field("readers.at_most") == 1:
        return ""
    return None if setting.profile.streams != "run" else _joinable(setting)


def _has_streams(setting: Setting) -> bool:
    return bool(setting.starts or setting.target.existing) or setting.profile.streams == "ambient"


CONDITIONS: Mapping[str, Condition] = {
    "control": _scripted,
    "publish": _published,
    "something to read": lambda setting: None if setting.profile.field("catchup.first") else _published(setting),
    "state": _can("state"),
    "directory": _given("directory"),
    "joinable": _joinable,
    "attached": _attached,
    "push": _field("streams", "push"),
    "ambient": _field("streams", "ambient"),
    "churns": _field("readers.churns"),
    "nobody's run": _field("streams", "push", "ambient"),
    "fixed timer": _field("heartbeat.timer", "fixed"),
    "no replay": _field("catchup.kind", "none"),
    "stays open": _field("transport.open"),
    "not acceptable": _field("operations.attach.not_acceptable"),
    "account": _account,
    "e-mail": _email,
    "triggers": _triggers,
    "happenings": _happens,
    "fail": _can("fail"),
    "launch": _launched,
    "other account": _given("other_credentials"),
    "expired account": _given("expired_credentials"),
    "starts": lambda setting: None if setting.starts else "",
    "replicas": lambda setting: None if setting.target.replicas else "",
    "existing finished": lambda setting: None if setting.target.existing.get("finished") else "",
    "existing active": lambda setting: None if setting.target.existing.get("active") else "",
    "a run": lambda setting: None if _has_streams(setting) else "nothing may be started",
    "streaming start": lambda setting: None if any(one.streams for one in setting.starts) else "",
    "login": _operation("login"),
    "cancel": _operation("cancel"),
    "record": _operation("record"),
    "list": _operation("list"),
    "paced input": lambda setting: None if any("paced" in one for one in setting.target.inputs.values()) else "",
    "terminal": _field("terminal"),
    "catchup": _field("catchup.kind", "replay-all", "from-cursor"),
    "cursor": _field("catchup.kind", "from-cursor"),
    "last-event-id": _field("catchup.last_event_id"),
    "detached": _field("catchup.detached"),
    "leaving": _field("readers.on_disconnect"),
    "outlives its readers": lambda setting: "" if setting.stops_ms else None,
    "after restart": _field("catchup.after_restart"),
    "heartbeat": _field("heartbeat"),
    "credentials": lambda setting: "" if setting.profile.field("auth.kind") in (None, "none") else None,
    "readers": _field("readers.at_least"),
    "independent readers": _field("readers.independent"),
}
