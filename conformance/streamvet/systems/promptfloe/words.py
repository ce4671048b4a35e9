"""The events that a script of promptfloe can emit, each as its worker would decide it.

Must not know requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.scripts import Emit


def _emit(kind: str, key: int, text: str, before: Sequence[Emit]) -> Emit | None:
    name, _, status = kind.partition(".")
    written = [one["path"] for one in before if one["type"] == "file"]
    members: dict[str, dict[str, Any]] = {
        "plan": {"summary": text, "files": ["src/page-0.tsx"]},
        "file": {"path": f"src/page-{len(written)}.tsx", "contents": text},
        "review": {"notes": text, "files": written[-1:]},
        "augmenter": {"alias": f"style-{key}", "status": status},
        "progress": {"stage": "working", "message": text},
        "chunk": {"delta": text},
        "insight": {"insight": {"kind": "fact", "label": "a fact", "detail": text}},
        "file_written": {"path": "src/theme.css", "status": "created"},
        "started": {"alias": "dark-mode"},
        "planning": {},
    }
    return {"type": name, **members[name]} if name in members else None


def _allows(before: Sequence[Emit], emit: Emit) -> bool:
    """A review is of files that were emitted before it."""
    files = {one["path"] for one in before if one["type"] == "file"}
    return emit["type"] != "review" or files.issuperset(emit.get("files", ()))


WORDS = Vocabulary(emit=_emit, carriers=("file", "chunk", "progress"), allows=_allows)
