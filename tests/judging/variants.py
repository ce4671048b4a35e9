"""Built-in profiles that say something else, under a name of their own, and traces judged by them."""

from __future__ import annotations

import copy
import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import read_yaml, schemas_folder
from streamvet.contract.fitting import RULES
from streamvet.contract.loading import profile_of
from streamvet.contract.registry import load_registry
from streamvet.systems import SYSTEMS
from streamvet.verdicts import Judge

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Verdict
    from streamvet.trace import Trace
    from streamvet.verdicts import Ruling


@cache
def _content(system: str) -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(schemas_folder() / system / "profile.yaml")
    return content


def raw_of(system: str) -> dict[str, Any]:
    """The content of a built-in profile, to be changed."""
    return copy.deepcopy(_content(system))


def variant(system: str, change: Callable[[dict[str, Any]], object]) -> Profile:
    """A built-in profile with a change, which fits."""
    raw = raw_of(system)
    change(raw)
    profile = profile_of(raw | {"profile": "mine"}, schemas_folder() / system / "profile.yaml")
    assert [(name, misfit) for name, rule in RULES.items() for misfit in rule(profile)] == []
    return profile


def rulings(system: str, profile: Profile, *traces: Trace) -> dict[str, Ruling]:
    """The rulings on traces of a system by a variant of its profile; none is an error."""
    bench = Judge(profile, load_registry(), SYSTEMS[system].checks)
    for trace in traces:
        bench.add(dataclasses.replace(trace, profile=profile.name, digest=profile.digest))
    found = {one.requirement.id: one for one in bench.rulings()}
    assert bench.errors == []
    return found


def violated(found: dict[str, Ruling]) -> dict[str, Verdict]:
    """The verdicts of those that have findings."""
    return {one: it.verdict for one, it in found.items() if it.findings}


def with_body(trace: Trace, number: int, body: bytes, **more: Any) -> Trace:
    """A trace with other bytes in one exchange, which all come at its end."""
    old = trace.exchanges[number]
    ends, times = _all_at_once(old.ends, len(body)), _all_at_once(old.times, old.ended_us)
    new = dataclasses.replace(old, body=body, ends=ends, times=times, **more)
    return dataclasses.replace(trace, exchanges=(*trace.exchanges[:number], new, *trace.exchanges[number + 1 :]))


def _all_at_once(values: array[int], one: int) -> array[int]:
    return type(values)(values.typecode, [one])
