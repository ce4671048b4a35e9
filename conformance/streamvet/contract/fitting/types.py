"""Rules about `events.discriminator`: each of its rows can match, and what it gives is known.

Must not know what else profile.yaml says of a type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.contract.discriminator import EVENT_NAME
from streamvet.contract.files import step
from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.discriminator import Rule
    from streamvet.contract.profile import Profile

_PLACE = "/events/discriminator"


def names_are_of_blocks(profile: Profile) -> Iterable[Misfit]:
    """NDJSON has no event names."""
    for number, rule in enumerate(profile.rules if profile.framing == "ndjson" else ()):
        if rule.source == EVENT_NAME:
            yield Misfit(f"{_PLACE}/{number}/from", "a JSON pointer, as NDJSON has no event names", "'event-name'")
        if rule.event is not None:
            wanted = "no such condition, as NDJSON has no event names"
            yield Misfit(f"{_PLACE}/{number}/event", wanted, repr(rule.event))


def unread_come_first(profile: Profile) -> Iterable[Misfit]:
    """What is not to be read is known before anything is read."""
    read = False
    for number, rule in enumerate(profile.rules):
        if read and not rule.reads:
            yield Misfit(f"{_PLACE}/{number}", "a rule with `json: false` before all that read the data", "one behind")
        read = read or rule.reads


def rules_can_match(profile: Profile) -> Iterable[Misfit]:
    """Behind a rule that takes all of its events, none is left for a rule."""
    for number, rule in enumerate(profile.rules):
        for before, earlier in enumerate(profile.rules[:number]):
            if _takes_all(earlier, rule):
                wanted = f"a rule that can match behind rule {before}"
                yield Misfit(f"{_PLACE}/{number}", wanted, f"one whose events all match rule {before}")
                break


def _takes_all(earlier: Rule, later: Rule) -> bool:
    """Whether each event that a rule matches is one that an earlier one matches."""
    if earlier.event not in (None, later.event) or earlier.text not in (None, later.text):
        return False
    if later.reads and not earlier.reads:
        return earlier.text is None
    values = dict(later.equals)
    present = {*later.has, *values, later.source}
    if not present.issuperset(earlier.has):
        return False
    if not all(set(values.get(place, ())) and set(values[place]) <= set(those) for place, those in earlier.equals):
        return False
    return earlier.kind is not None or earlier.source in (EVENT_NAME, later.source)


def types_can_be_told(profile: Profile) -> Iterable[Misfit]:
    """A type that no rule gives has a schema in vain."""
    for kind in profile.types:
        if not any(_gives(rule, kind) for rule in profile.rules):
            yield Misfit(f"/events/types{step(kind)}", "a type that a rule of events.discriminator gives", repr(kind))
    for group in profile.groups:
        if not any(_begins(rule, group[:-1]) for rule in profile.rules):
            wanted = "the beginning of types that a rule of events.discriminator gives"
            yield Misfit(f"/events/types{step(group)}", wanted, repr(group))


def _gives(rule: Rule, kind: str) -> bool:
    if rule.reads or rule.kind:
        return rule.marks(kind) is not None
    return kind.startswith(rule.prefix) and rule.event in (None, kind.removeprefix(rule.prefix))


def _begins(rule: Rule, start: str) -> bool:
    """Whether some type that a rule gives begins so."""
    if rule.kind is not None:
        return rule.kind.startswith(start)
    listed = next((values for place, values in rule.equals if place == rule.source), None)
    if listed is not None:
        return any(f"{rule.prefix}{one}".startswith(start) for one in listed)
    return rule.prefix.startswith(start) or start.startswith(rule.prefix)


def rules_give_types(profile: Profile) -> Iterable[Misfit]:
    """A type that events.types does not know has no schema."""
    known = (*profile.types, *profile.groups)
    for number, rule in enumerate(profile.rules):
        if rule.kind is not None and rule.reads and profile.schema_file(rule.kind) is None:
            yield Misfit(f"{_PLACE}/{number}/type", "types that events.types knows", repr(rule.kind))
        if rule.prefix and not any(matches(one, (f"{rule.prefix}*",)) for one in known):
            yield Misfit(f"{_PLACE}/{number}/prefix", "the beginning of types of events.types", repr(rule.prefix))
