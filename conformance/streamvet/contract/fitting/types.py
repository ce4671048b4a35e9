"""Rules about `events.discriminator`: each of its rows can match, and what it gives is known.

Must not know what else profile.yaml says of a type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from streamvet.contract.discriminator import EVENT_NAME
from streamvet.contract.files import step
from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.discriminator import Rule
    from streamvet.contract.profile import Profile

_PLACE = "/events/discriminator"
_SENTINEL = re.compile(r"\[[A-Z][A-Z0-9_ -]*\]")
_LINE_END = re.compile(r"[\r\n]")


def names_are_of_blocks(profile: Profile) -> Iterable[Misfit]:
    """NDJSON has no event names."""
    for number, rule in enumerate(profile.rules if profile.framing == "ndjson" else ()):
        if rule.source == EVENT_NAME:
            yield Misfit(f"{_PLACE}/{number}/from", "a JSON pointer, because NDJSON has no event names", "'event-name'")
        if rule.event is not None:
            wanted = "no such condition, because NDJSON has no event names"
            yield Misfit(f"{_PLACE}/{number}/event", wanted, repr(rule.event))


def unread_come_first(profile: Profile) -> Iterable[Misfit]:
    """What is not to be read is known before anything is read."""
    read = False
    for number, rule in enumerate(profile.rules):
        if read and not rule.reads:
            yield Misfit(
                f"{_PLACE}/{number}", "a rule with `json: false` before all rules that read the data", "one after them"
            )
        read = read or rule.reads


def rules_can_match(profile: Profile) -> Iterable[Misfit]:
    """Behind a rule that takes all of its events, none is left for a rule."""
    for number, rule in enumerate(profile.rules):
        for before, earlier in enumerate(profile.rules[:number]):
            if _takes_all(earlier, rule):
                wanted = f"a rule that can match after rule {before}"
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
            yield Misfit(f"{_PLACE}/{number}/type", "a type in events.types", repr(rule.kind))
        if rule.prefix and not any(matches(one, (f"{rule.prefix}*",)) for one in known):
            yield Misfit(f"{_PLACE}/{number}/prefix", "the beginning of types of events.types", repr(rule.prefix))


def sentinels_are_data(profile: Profile) -> Iterable[Misfit]:
    """What ends a stream in brackets, as `[DONE]` does, is the data of a block; its name is `message`."""
    for number, rule in enumerate(profile.rules):
        if rule.event is not None and rule.text is None and _SENTINEL.fullmatch(rule.event):
            wanted = f"`text: '{rule.event}'`, because that is data and not the name of a block"
            yield Misfit(f"{_PLACE}/{number}/event", wanted, repr(rule.event))
    for kind in profile.types:
        if _SENTINEL.fullmatch(kind) and not any(rule.kind == kind for rule in profile.rules):
            wanted = f"a rule of events.discriminator with `text: '{kind}'`, because that is data and names no event"
            yield Misfit(f"/events/types{step(kind)}", wanted, "none")


def rules_do_not_contradict(profile: Profile) -> Iterable[Misfit]:
    """What one condition of a rule says leaves room for the others, and for what is read."""
    for number, rule in enumerate(profile.rules):
        values, place = dict(rule.equals), f"{_PLACE}/{number}"
        for pointer in (*rule.has, *values, rule.source or ""):
            if above := next((one for one in values if pointer.startswith(f"{one}/")), None):
                yield Misfit(f"{place}/is", f"a value of {above} or one inside it, not both", pointer)
        if rule.source in values and not any(isinstance(one, str) and one for one in values[rule.source]):
            wanted = f"a text that is not empty at {rule.source}, which is the type"
            yield Misfit(f"{place}/is", wanted, ", ".join(map(repr, values[rule.source])))
        if rule.text is not None and profile.framing == "ndjson" and not _is_line(rule.text):
            yield Misfit(f"{place}/text", "a line that is not empty", repr(rule.text))
        if rule.event is not None and _LINE_END.search(rule.event):
            yield Misfit(f"{place}/event", "a name without the end of a line", repr(rule.event))


def _is_line(text: str) -> bool:
    return bool(text.strip(" \t\r")) and "\n" not in text


def names_are_as_framed(profile: Profile) -> Iterable[Misfit]:
    """Where all blocks have the same name, none has that of a rule."""
    name = profile.field("framing.event_name.equals")
    beat = profile.heartbeat.event if profile.heartbeat else None
    for number, rule in enumerate(profile.rules if name else ()):
        if rule.event not in (None, name) and rule.kind not in (beat or "", None):
            wanted = f"{name!r}, because framing.event_name gives it to every event"
            yield Misfit(f"{_PLACE}/{number}/event", wanted, repr(rule.event))


def schemas_admit_types(profile: Profile) -> Iterable[Misfit]:
    """By what some rule knows an event it is no violation already."""
    for kind, file in profile.types.items():
        known = [_refused_marks(profile, rule, kind, file) for rule in profile.rules if _gives(rule, kind)]
        if known and all(known):
            place, got, expected = known[0][0]
            wanted = f"a schema that allows {got} at {place}, which identifies the event"
            yield Misfit(f"/events/types{step(kind)}", wanted, f"{file}, which expects {expected}")


def _refused_marks(profile: Profile, rule: Rule, kind: str, file: str) -> list[tuple[str, str, str]]:
    """Of what a rule finds in an event, what its schema refuses there: the place, the value, what it wants."""
    one_of_several = {place for place, values in rule.equals if len(values) > 1} - {rule.source}
    marks = (rule.marks(kind) or {}) if rule.reads else {}
    found = []
    for place, value in marks.items():
        parts = place.split("/")[1:]
        if place in one_of_several or any(part.isdigit() for part in parts):
            continue
        for at, expected, _got in profile.schemas.misses(file, _around(parts, value)):
            if f"{place}/".startswith(f"{at}/"):
                found.append((place, repr(value), f"{expected} at {at or 'the top'}"))
    return found


def _around(parts: list[str], value: Any) -> Any:
    """The smallest object that has a value at these members, one inside of the other."""
    for part in reversed(parts):
        value = {part.replace("~1", "/").replace("~0", "~"): value}
    return value
