"""The events that cosma can be asked to publish.

Must not know requests.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.probes.scripts import Emit

_DIRECTORY = "/srv/streamvet"
_REASONS: Mapping[str, dict[str, Any]] = {
    "file_failed": {"error": "no text in it"},
    "file_skipped": {"reason": "content not changed"},
    "queue_item_failed": {"error": "no text in it", "status": "processing"},
    "watch_started": {"recursive": True, "file_pattern": None},
}
_STATUSES = {"added": "cooling_down", "updated": "cooling_down", "processing": "processing", "completed": "processing",
             "removed": "cooling_down", "failed": "processing"}  # fmt: skip
_OF_A_FILE = ("file_parsing", "file_parsed", "file_summarizing", "file_summarized", "file_embedding", "file_embedded",
              "file_complete", "file_failed", "file_skipped")  # fmt: skip


def _data(kind: str, key: int, text: str) -> dict[str, Any] | None:
    """The data of an opcode; the same key is the same file, item or directory."""
    name = f"{key}.txt"
    group, _, rest = kind.rpartition("_")
    if kind in ("info", "error"):
        return {"message": text}
    if kind == "status_update" or group == "scheduler":
        return {"note": text} if text else {}
    if kind in ("queue_paused", "queue_resumed"):
        return {"source": "manual"}
    if group == "queue_item":
        item = {"id": str(uuid.UUID(int=key, version=4)), "file_path": f"{_DIRECTORY}/{name}", "action": "index"}
        return {**item, "status": _STATUSES[rest], "retry_count": 0}
    if kind in _OF_A_FILE:
        return {"path": f"{_DIRECTORY}/{name}", "filename": name}
    if rest == "moved":
        return {"src_path": f"{_DIRECTORY}/{text}", "dest_path": f"{_DIRECTORY}/moved/{text}"}
    if group == "file":
        return {"path": f"{_DIRECTORY}/{text}"}
    return {"path": f"{_DIRECTORY}/{key}"} if group in ("watch", "directory", "directory_processing") else None


def _emit(kind: str, key: int, text: str, _before: Sequence[Emit]) -> Emit | None:
    data = _data(kind, key, text)
    return None if data is None else {"opcode": kind, "data": data | _REASONS.get(kind, {})}


WORDS = Vocabulary(emit=_emit, carriers=("info", "error", "status_update", "file_created"))


def told(kind: str, **data: Any) -> Emit:
    """What an event of this opcode holds at least."""
    return {"opcode": kind, "data": data} if data else {"opcode": kind}
