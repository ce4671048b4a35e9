"""Which verdicts count: not those on disputed requirements, nor those on requirements newer than the run is scored by.

They are shown with what was found. Must not know how anything was judged, nor what a user waives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet.outcome import Verdict
from streamvet.verdicts import VIOLATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.verdicts import Ruling

_COUNTING = frozenset({*VIOLATED.values(), Verdict.INCONCLUSIVE})


def scored(rulings: Iterable[Ruling], spec: int, revision: int) -> list[Ruling]:
    """The rulings of a run that is scored by revision `spec`, where `revision` is the current one.

    A ruling that does not count says why in `unscored` and in its reason. If it is a violation or undecided, its
    verdict is WAIVED, and `overruled` has what was found. Applying this twice changes nothing.
    """
    return [_scored(one, one.requirement.unscored(spec, revision)) for one in rulings]


def _scored(ruling: Ruling, why: str) -> Ruling:
    if not why or ruling.verdict is Verdict.NOT_APPLICABLE:
        return ruling
    said = f"not scored: {why}"
    reason = ruling.reason if said in ruling.reason else "; ".join(filter(None, (said, ruling.reason)))
    if ruling.verdict in _COUNTING:
        ruling = replace(ruling, verdict=Verdict.WAIVED, overruled=ruling.verdict)
    return replace(ruling, unscored=why, reason=reason)
