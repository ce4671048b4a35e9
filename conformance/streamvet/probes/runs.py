"""What a probe holds in its hands: a run that it started, and a place in one.

Values only; must not know requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.recorder import Live


@dataclass(slots=True)
class Run:
    """One run of this try. Without an id the candidate did not say which it is; nothing more can be asked of it."""

    label: str
    kind: str
    id: str | None = None
    stream: Live | None = None  # the start's own stream, where its answer is one


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to resume: the text to send, where it comes from (see ABOUT), how many history events came before."""

    text: str
    origin: str
    after: int | None = None
