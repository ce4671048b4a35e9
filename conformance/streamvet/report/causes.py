"""What was never exercised, by its causes: one for many requirements, with what to add so that they are.

Goes by the reasons that rulings give, and by the words of the planning for what was not tried. Must not know in which
form it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamvet.verdicts import Ruling

_NOT_TRIED = "not tried: "
_NUMBERS = re.compile(r"\d+(\.\d+)?")  # in which reasons of one cause may differ
_OUTCOMES = {"takes long": "long"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some requirements were not exercised, and what to add; "" where nothing of the user's would help."""

    reason: str
    add: str
    ids: tuple[str, ...]


def causes(rulings: Iterable[Ruling]) -> list[Cause]:
    """The causes of rulings that were never exercised, the one of most requirements first.

    What a check missed follows from what was not tried, so that goes without saying where something was not.
    """
    found: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for one in rulings:
        parts = one.reason.split("; ")
        untried = sorted(part.removeprefix(_NOT_TRIED) for part in parts if part.startswith(_NOT_TRIED))
        reasons = untried or [one.reason]
        reason = (_NOT_TRIED if untried else "") + "; ".join(reasons)
        key = tuple(_NUMBERS.sub("", part) for part in reasons)
        found.setdefault(key, (reason, []))[1].append(one.requirement.id)
    made = [Cause(reason, _advice(reason), tuple(ids)) for reason, ids in found.values()]
    return sorted(made, key=lambda one: -len(one.ids))


def _input(match: re.Match[str]) -> str:
    return f"inputs.{match['kind']}.{_OUTCOMES.get(match['outcome'], match['outcome'])}"


# What helps against a reason, by its words: of the planning, of probes, and of checks.
_HELPS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"no input that (?P<outcome>succeeds|fails|takes long) for (?P<kind>\S+) in the target file", _input),
    (r"no (?P<key>\w+) in the target file", lambda match: match["key"]),
    (r"no control(?! interface that)", lambda _: "control"),
    (r"holds (?P<count>\d+) connections at once", lambda match: f"max_concurrency: {match['count']}"),
    (r"starts (?P<count>\d+) runs, of max_starts", lambda _: "a higher max_starts"),
    (r"waits (?P<count>[\d.]+) s, --max-wait is", lambda match: f"--max-wait {match['count']}"),
    (r"the control interface cannot (?P<what>\w+)", lambda match: f"{match['what']} in the control interface"),
    (r"evidence in the target file allows no kill", lambda _: "evidence: launched"),
    (r"silent for (?P<count>[\d.]+) s", lambda match: f"inputs.<kind>.long that is silent for {match['count']} s"),
    (r"the deadline was over", lambda _: "a longer --deadline"),
    (r"harness late", lambda _: "less load on this machine"),
)  # fmt: skip


def _advice(reason: str) -> str:
    """What to add, each thing once; a control interface does in place of inputs."""
    helps = [help_(match) for pattern, help_ in _HELPS for match in re.finditer(pattern, reason)]
    things = [one for one in dict.fromkeys(helps) if one != "control"]
    said = ", ".join(things)
    if "control" not in helps:
        return said
    either = all(one.startswith("inputs.") for one in things) and ", and no control" in reason
    return f"{said}; or control" if things and either else ", ".join([*things, "control"])
