"""Endings of runs as a fault forges them: a success told as a failure, a failure told as a success.

It must not know any fault. The documents are those that the systems themselves append when a run ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.ghostly_work import SETTLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet_server.seams import Batch, Scene

_NANOID = "000000000000"  # of what was never pushed


def as_failure(scene: Scene, batch: Batch) -> Batch:
    """The same ending, told as a failure."""
    if scene.profile == "ghostly":
        return _settled(batch, "fail")
    error = {"type": "error", "code": "internal_error", "message": "the run failed"}
    return replace(batch, documents=[error], status="failed")


def as_success(scene: Scene, batch: Batch) -> Batch:
    """The same ending, told as a success; not of a promptfloe build, whose success names what was built."""
    if scene.profile == "ghostly":
        return _settled(batch, "pass")
    if scene.profile == "rockstar":
        url = f"http://{scene.headers['Host']}/{'s' if scene.operation == 'start:session' else 'p'}/{_NANOID}"
        done = {"step": "done", "nanoid": _NANOID, "url": url, "version": 1, "changed": True}
        return replace(batch, documents=[done], status="succeeded")
    return replace(batch, documents=[{"type": "done", "tokensUsed": 0, "durationMs": 0}], status="succeeded")


def _settled(batch: Batch, status: str) -> Batch:
    return replace(batch, documents=[_retold(document, status) for document in batch.documents], status=status)


def _retold(document: Mapping[str, Any], status: str) -> Mapping[str, Any]:
    if SETTLED in document:
        return {SETTLED: status}
    payload = document["payload"]
    return {**document, "payload": {**payload, "ok": status == "pass"} if "ok" in payload else payload}


def is_run_end(document: Mapping[str, Any]) -> bool:
    """Whether a document is ghostly's run_end."""
    return document.get("type") == "run_end"
