"""Cursors of a profile: the ones that events give, and those that name no event.

Pure functions; must not know requests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streamvet.contract.profile import cursor_of, matches
from streamvet.probes.runs import Cursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.recorder import Live, Seen

# Cursors that name no event: those that the profile gives, and the one behind the newest event where it gives an
# unknown one.
WRONG_CURSORS = ("malformed", "unknown", "future")


class Shown(NamedTuple):
    """The events of a stream, and those of them that are of its run; of a running one so far."""

    seen: Sequence[Seen]
    history: Sequence[Seen]


_WHOLE = re.compile(r"[0-9]{1,18}")


def resumes(profile: Profile) -> bool:
    """Whether the system resumes from a cursor."""
    return profile.field("catchup.kind") == "from-cursor" and "resume" in profile.operations


def cursor_at(profile: Profile, event: Seen, after: int) -> Cursor | None:
    """The cursor that an event of a stream gives, None where it has none."""
    text = cursor_of(profile.cursor, lambda: event.value, lambda: event.id)
    return None if text is None else Cursor(text, "seen", after)


def named(profile: Profile, live: Shown | Live) -> list[tuple[Seen, int]]:
    """The events of a stream that have cursors, each with how many history events there are up to it."""
    if not profile.cursor_events:
        return [(event, number) for number, event in enumerate(live.history, start=1)]
    found, count = [], 0
    for event in live.seen:
        count += event.history
        if event.kind is not None and matches(event.kind, profile.cursor_events):
            found.append((event, count))
    return found


def newest(profile: Profile, live: Shown | Live) -> Cursor | None:
    """The cursor by which the reader of a stream comes back, None where it has none."""
    events = named(profile, live)
    return cursor_at(profile, *events[-1]) if events else None


def cursor_behind(profile: Profile, history: Sequence[Seen]) -> Cursor | None:
    """The cursor that an event behind the newest one would give; None where cursors are no whole numbers."""
    newest = cursor_at(profile, history[-1], len(history)) if history else None
    number = _WHOLE.fullmatch(newest.text) if newest else None
    return Cursor(str(int(number.group()) + 1), "unknown") if number else None


def gets(profile: Profile, origin: str) -> str | None:
    """What a cursor that names no event gets by the profile, None where it does not say so."""
    rule = profile.field(f"catchup.cursor.{'unknown' if origin == 'future' else origin}")
    found = rule.get("gets") if isinstance(rule, dict) else rule
    return str(found) if found and resumes(profile) else None


def empty_cursor(profile: Profile) -> Cursor | None:
    """An empty cursor, None where the profile does not say what that means."""
    return Cursor("", "empty", 0) if gets(profile, "empty") else None


def wrong_cursor(profile: Profile, origin: str, history: Sequence[Seen]) -> Cursor | None:
    """One of WRONG_CURSORS for a run that has ended with this history; None where the profile knows of none."""
    if gets(profile, origin) is None:
        return None
    if origin == "future":
        return cursor_behind(profile, history)
    return Cursor(str(profile.field(f"catchup.cursor.{origin}.send")), origin)
