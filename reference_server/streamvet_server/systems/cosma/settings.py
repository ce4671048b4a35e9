"""cosma's settings: what the queue goes by, and under which conditions the scheduler lets it work. Tables and values.

It must not know the queue or HTTP. The machine that the scheduler looks at is simulated, and always the same.
"""

from __future__ import annotations

import math
import operator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_COOLDOWN_S = 60
DEFAULT_CONCURRENCY = 2
DEFAULT_RETRIES = 3
DEFAULT_CHECK_S = 30


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Seconds are those at scale 1."""

    cooldown_seconds: float = DEFAULT_COOLDOWN_S
    max_concurrency: int = DEFAULT_CONCURRENCY
    max_retries: int = DEFAULT_RETRIES

    def document(self) -> dict[str, Any]:
        """The settings as they are told."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the scheduler lets the queue work. A rule's keys are `rule`, `operator`, `value` and `enabled`."""

    enabled: bool = False
    combine_mode: str = "ALL"
    check_interval_seconds: float = DEFAULT_CHECK_S
    rules: tuple[Mapping[str, Any], ...] = ()

    @property
    def met(self) -> bool:
        """Whether the queue may work, as far as the rules go."""
        held = [_holds(rule) for rule in self.rules if rule.get("enabled", True)]
        return not held or (all(held) if self.combine_mode == "ALL" else any(held))

    def document(self) -> dict[str, Any]:
        """The schedule as it is told."""
        return asdict(self) | {"rules": list(self.rules)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Beyond these a sum of times is no time any more.
_MOST_SECONDS, _MOST = 10**9, 10**6

# Per setting: what it may be, and the words for that.
_QUEUE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "cooldown_seconds": (lambda it: _is_number(it) and 0 <= it <= _MOST_SECONDS, "a number of seconds from 0"),
    "max_concurrency": (lambda it: _is_integer(it) and 1 <= it <= _MOST, "an integer from 1"),
    "max_retries": (lambda it: _is_integer(it) and 0 <= it <= _MOST, "an integer from 0"),
}
_SCHEDULE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "enabled": (lambda it: isinstance(it, bool), "true or false"),
    "combine_mode": (lambda it: it in ("ALL", "ANY"), "ALL or ANY"),
    "check_interval_seconds": (lambda it: _is_number(it) and 0 < it <= _MOST_SECONDS, "a number of seconds above 0"),
    "rules": (lambda it: isinstance(it, list) and all(map(_is_rule, it)), "an array of rules that are known"),
}

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
# Per rule: how the simulated machine stands, and how that may be compared.
_MACHINE: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "battery_level": (100, (">=", "<=", ">", "<", "==")),
    "power_source": (True, ("==",)),
    "cpu_idle": (3600, (">=",)),
    "cpu_percent": (5, ("<=", ">=")),
    "cpu_temperature": (40, ("<=",)),
    "fan_speed": (0, ("<=",)),
}


def _is_rule(rule: Any) -> bool:
    match rule:
        case {"rule": str() as name, "operator": str() as compared, "value": value} if name in _MACHINE:
            state, operators = _MACHINE[name]
            fits = isinstance(value, bool) if isinstance(state, bool) else _is_number(value)
            return compared in operators and fits and isinstance(rule.get("enabled", True), bool)
    return False


def _holds(rule: Mapping[str, Any]) -> bool:
    return _COMPARE[rule["operator"]](_MACHINE[rule["rule"]][0], rule["value"])


def _checked(table: Mapping[str, tuple[Callable[[Any], bool], str]], given: Mapping[str, Any], prefix: str) -> None:
    for key, value in given.items():
        if key not in table:
            raise ValueError(f"{prefix}{key} is no setting")
        fits, words = table[key]
        if not fits(value):
            raise ValueError(f"{prefix}{key} must be {words}")


def with_settings(settings: QueueSettings, given: Any) -> QueueSettings:
    """The settings with those changed that are given by their dotted names, such as `queue.cooldown_seconds`.

    Raises:
        ValueError: one is unknown, or not what it may be.
    """
    if not isinstance(given, dict):
        raise ValueError("expected an object of settings by their dotted names")  # noqa: TRY004 -- it is an answer's text
    unknown = [key for key in given if not key.startswith("queue.")]
    if unknown:
        raise ValueError(f"{unknown[0]} is no setting")
    named = {key.removeprefix("queue."): value for key, value in given.items()}
    _checked(_QUEUE, named, "queue.")
    return replace(settings, **named)


def with_schedule(schedule: Schedule, given: Any) -> Schedule:
    """The schedule with those members changed that are given.

    Raises:
        ValueError: one is unknown, or not what it may be.
    """
    if not isinstance(given, dict):
        raise ValueError("expected an object")  # noqa: TRY004 -- it is an answer's text
    _checked(_SCHEDULE, given, "")
    return replace(schedule, **given | ({"rules": tuple(given["rules"])} if "rules" in given else {}))
