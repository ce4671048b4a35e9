"""The progress lines that a script of rockstar can emit.

Must not know requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.scripts import Emit

_PROGRESS = ("redacting", "checking", "compressing", "generating_preview", "storing", "linking_plans")


def _emit(kind: str, _key: int, text: str, _before: Sequence[Emit]) -> Emit | None:
    return {"step": kind, "detail": text} if kind in _PROGRESS else None


WORDS = Vocabulary(emit=_emit, carriers=_PROGRESS[:-1])
