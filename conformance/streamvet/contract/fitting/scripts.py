"""Rules about the templates of `events.script.emits`: a script made of them has to be one that the system may emit.

Must not know who makes scripts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import step
from streamvet.contract.fitting.misfit import Misfit
from streamvet.contract.profile import matches, pointed
from streamvet.contract.templates import KEY, TEXT, spelt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.profile import Profile

_PLACE = "/events/script/emits"
# What a script says with: nothing, something, and what is longer than any line that somebody reads at once.
_TEXTS = ("", "a text", "0123456789abcdef" * 4096)


def _emits(profile: Profile) -> Mapping[str, Any]:
    return profile.field("events.script.emits") or {}


def _servers(profile: Profile) -> tuple[str, ...]:
    """What a server says by itself, whatever a script says."""
    terminal = profile.terminal
    ends = (*terminal.events, *terminal.last) if terminal else ()
    beat = (profile.heartbeat.event,) if profile.heartbeat and profile.heartbeat.event else ()
    first = profile.field("catchup.first.events") or ()
    return (*ends, *beat, *first, *(profile.field("events.script.own") or ()), *profile.unread_kinds)


def templates_are_a_workers(profile: Profile) -> Iterable[Misfit]:
    """A step is of a known type, and of none that the server adds."""
    for kind in _emits(profile):
        if kind not in profile.types:
            yield Misfit(_PLACE + step(kind), "a type in events.types", repr(kind))
        elif matches(kind, _servers(profile)):
            yield Misfit(_PLACE + step(kind), "no type that the server sends by itself", repr(kind))


def types_have_templates(profile: Profile) -> Iterable[Misfit]:
    """A script that lacks a type cannot go on where a table wants it."""
    tables = profile.lifecycles.values()
    for kind in profile.types if _emits(profile) else ():
        wanted = any(table.knows(kind) and not matches(kind, table.forbids) for table in tables)
        if wanted and kind not in _emits(profile) and not matches(kind, _servers(profile)):
            yield Misfit(_PLACE, f"a template for {kind}, or the type in events.script.own", "none")


def templates_tell_types(profile: Profile) -> Iterable[Misfit]:
    """The candidate and the suite know by the same member what an event is."""
    for kind, template in _emits(profile).items():
        name, value = profile.said(template)
        told = profile.kind_of(value, name)
        if told != kind:
            form = ", as {event, data}," if profile.by_name else ""
            wanted = f"an event{form} that the discriminator maps to {kind}"
            yield Misfit(_PLACE + step(kind), wanted, f"one that it maps to {told or 'no type'}")


def templates_have_keys(profile: Profile) -> Iterable[Misfit]:
    """Where a table holds for each key apart, the events of a script have to be of several."""
    for kind, template in _emits(profile).items():
        for table in profile.lifecycles.values():
            keys = table.key if table.knows(kind) else ()
            values = [pointed(profile.said(template)[1], pointer) for pointer in keys]
            if values and not any(isinstance(value, str) and KEY in value for value in values):
                yield Misfit(_PLACE + step(kind) + keys[0], f"a text with {KEY}", repr(values[0]))


def templates_carry(profile: Profile) -> Iterable[Misfit]:
    """What breaks framing has to stand in some event."""
    if _emits(profile) and TEXT not in json.dumps(list(_emits(profile).values())):
        yield Misfit(_PLACE, f"a template with {TEXT}", "none")


def templates_are_valid(profile: Profile) -> Iterable[Misfit]:
    """What arrives as it was told is to fit the schema, whatever its text; the server adds what is missing."""
    for kind, template in _emits(profile).items():
        file = profile.narrow_file(kind) or ""
        inside = "/data" if profile.by_name else ""
        wrong = (profile.schemas.misses(file, profile.said(spelt(template, 0, text))[1]) for text in _TEXTS)
        for place, expected, got in (one for ones in wrong for one in ones):
            yield Misfit(_PLACE + step(kind) + inside + place, f"{expected}, by {file}", got)
