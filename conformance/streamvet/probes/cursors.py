"""Cursors of a profile: the ones that events give, and the wrong ones that have to be refused.

Pure functions; must not know requests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamvet.contract.profile import cursor_of
from streamvet.probes.runs import Cursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.recorder import Seen

# Cursors that have to be refused: those that the profile gives, and the one behind the newest event where it gives an
# unknown one.
WRONG_CURSORS = ("malformed", "unknown", "future")
_WHOLE = re.compile(r"[0-9]{1,18}")


def resumes(profile: Profile) -> bool:
    """Whether the system resumes from a cursor."""
    return profile.field("catchup.kind") == "from-cursor" and "resume" in profile.operations


def cursor_at(profile: Profile, event: Seen, after: int) -> Cursor | None:
    """The cursor that an event of a stream gives, None where it has none."""
    text = cursor_of(profile.cursor, lambda: event.value, lambda: event.id)
    return None if text is None else Cursor(text, "seen", after)


def cursor_behind(profile: Profile, history: Sequence[Seen]) -> Cursor | None:
    """The cursor that an event behind the newest one would give; None where cursors are no whole numbers."""
    newest = cursor_at(profile, history[-1], len(history)) if history else None
    number = _WHOLE.fullmatch(newest.text) if newest else None
    return Cursor(str(int(number.group()) + 1), "unknown") if number else None


def empty_cursor(profile: Profile) -> Cursor | None:
    """An empty cursor, None where the profile does not say what that means."""
    return Cursor("", "empty", 0) if profile.field("catchup.cursor.empty") and resumes(profile) else None


def wrong_cursor(profile: Profile, origin: str, history: Sequence[Seen]) -> Cursor | None:
    """One of WRONG_CURSORS for a run that has ended with this history; None where the profile knows of none."""
    rule = profile.field("catchup.cursor") or {}
    if origin == "future":
        return cursor_behind(profile, history) if "unknown" in rule else None
    return Cursor(str(rule[origin]), origin) if origin in rule else None
