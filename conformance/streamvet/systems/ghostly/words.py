"""The events that a script of ghostly can emit, each as its worker would decide it.

Must not know requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.scripts import Emit

_PAYLOADS: dict[str, dict[str, Any]] = {
    "recon": {"url": "http://127.0.0.1:9/", "title": "Demo", "nodeCount": 12},
    "plan_chunk": {"steps": [{"action": "click", "selector": "#cart"}], "hasMore": False, "planProgress": 0.5},
    "loop_state": {"state": "executing"},
    "horizon_start": {"horizon": 0, "pendingSteps": 2},
    "horizon_end": {"horizon": 0, "pendingSteps": 0, "hasMore": False},
    "victory_check": {"horizon": 0, "configured": True, "met": False},
    "memory_hit": {"horizon": 0, "candidates": 2, "source": "durable"},
    "memory_miss": {"horizon": 0},
    "step_start": {"step": {"action": "click", "selector": "#cart"}},
    "step_success": {"step": {"action": "click", "selector": "#cart"}},
    "step_failure": {"step": {"action": "click", "selector": "#cart"}, "error": "not found"},
    "heal_start": {"attempt": 1, "maxAttempts": 2, "nodeCount": 12},
    "heal_action": {"step": {"action": "click", "selector": "#basket"}, "rationale": "the label is the same"},
    "heal_success": {"step": {"action": "click", "selector": "#basket"}},
    "heal_failure": {"error": "still not found"},
}
_STEP_SCOPED = ("step_", "heal_")


def _emit(kind: str, key: int, text: str, _before: Sequence[Emit]) -> Emit | None:
    group, _, name = kind.partition(".")
    if group != "assist" or name not in _PAYLOADS:
        return None
    scoped = {"stepIndex": key} if name.startswith(_STEP_SCOPED) else {}
    return {"type": name, **scoped, "payload": {**_PAYLOADS[name], "note": text}}


WORDS = Vocabulary(emit=_emit, carriers=("assist.recon", "assist.loop_state"))
