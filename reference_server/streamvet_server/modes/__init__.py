"""The modes: one form a row that is legal and trips clients, with the sentence of the standard that makes it legal.

They swap seam functions as faults do, and can be chosen beside them. What a mode sends has the meaning that an honest
stream has; a system may promise more than the standard asks for, and then the row says which requirement it breaks.
"""

from __future__ import annotations

from streamvet_server.modes import pieces, sse, texts
from streamvet_server.modes.mode import Mode

__all__ = ["MODES", "Mode"]

MODES: tuple[Mode, ...] = (*pieces.MODES, *sse.MODES, *texts.MODES)
