"""Which type an event has: the rules of `events.discriminator`, a flat list of which the first match wins.

Must not know schemas, nor what a type means: a type is a name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.contract.pointer import pointed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MESSAGE = "message"  # WHATWG HTML, 9.2.6: the type of a block that has no event field
EVENT_NAME = "event-name"  # what `from` says where the event field tells the type; no JSON pointer


def _is_one_of(value: Any, values: Sequence[Any]) -> bool:
    """Whether a value is one of some scalars: numbers by value, true is not 1."""
    return any(one == value and isinstance(one, bool) is isinstance(value, bool) for one in values)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: conditions, all of which have to hold, and the type of the events for which they do."""

    kind: str | None  # the type, where the rule says it
    source: str | None = None  # else where the event has it: a JSON pointer, or EVENT_NAME
    prefix: str = ""  # what the type begins with, before what the event has
    event: str | None = None
    text: str | None = None
    has: tuple[str, ...] = ()
    equals: tuple[tuple[str, tuple[Any, ...]], ...] = ()  # a pointer and the values of which one has to be there
    reads: bool = True  # whether the data is JSON

    @property
    def always(self) -> bool:
        """Whether every event has a type by this rule."""
        told = self.kind is not None or self.source == EVENT_NAME
        return told and self.event is None and self.text is None and not self.has and not self.equals

    @property
    def pointers(self) -> Mapping[str, bool]:
        """Where it looks, and whether at the value there, not only for one."""
        source = {self.source: True} if self.source and self.source != EVENT_NAME else {}
        return dict.fromkeys(self.has, False) | {pointer: True for pointer, _ in self.equals} | source

    def of_unread(self, name: str, text: str | None) -> str | None:
        """The type that it gives to data that is not read, None where it gives none."""
        if self.reads or self.event not in (None, name) or (self.text is not None and self.text != text):
            return None
        return self.kind or self.prefix + name

    def of_value(self, value: Any, name: str) -> str | None:
        """The type that it gives to a JSON value, None where it gives none."""
        if not self.reads or self.event not in (None, name):
            return None
        if any(pointed(value, place) is None for place in self.has):
            return None
        if not all(_is_one_of(pointed(value, place), values) for place, values in self.equals):
            return None
        if self.kind is not None:
            return self.kind
        found = name if self.source == EVENT_NAME else pointed(value, str(self.source))
        return self.prefix + found if isinstance(found, str) and found else None

    def marks(self, kind: str) -> Mapping[str, Any] | None:
        """What an event of a type has at the pointers at which the rule compares; None where it never gives the type.

        Of several values that may be there it is the first.
        """
        found: dict[str, Any] = {place: values[0] for place, values in self.equals}
        if self.kind is not None:
            return found if self.kind == kind else None
        rest = kind.removeprefix(self.prefix)
        if not kind.startswith(self.prefix) or not rest:
            return None
        if self.source == EVENT_NAME:
            return found if self.event in (None, rest) else None
        fixed = next((values for place, values in self.equals if place == self.source), (rest,))
        return found | {str(self.source): rest} if rest in fixed else None

    def __str__(self) -> str:
        """What an event has to have, in words."""
        return " and ".join(self._parts()) or "anything"

    def _parts(self) -> Iterator[str]:
        if self.event is not None:
            yield f"the name {self.event}"
        if self.text is not None:
            yield f"the data {json.dumps(self.text, ensure_ascii=False)}"
        yield from (f"a value at {place}" for place in self.has)
        for place, values in self.equals:
            yield f"{' or '.join(json.dumps(one, ensure_ascii=False) for one in values)} at {place}"
        if self.source and self.source != EVENT_NAME:
            yield f"a text at {self.source}"


def rule_of(row: Mapping[str, Any]) -> Rule:
    """The rule that a row of profile.yaml says."""
    values = {place: tuple(one) if isinstance(one, list) else (one,) for place, one in row.get("is", {}).items()}
    return Rule(
        kind=row.get("type"),
        source=row.get("from"),
        prefix=row.get("prefix", ""),
        event=row.get("event"),
        text=row.get("text"),
        has=tuple(row.get("has", ())),
        equals=tuple(values.items()),
        reads=row.get("json", "text" not in row),
    )
