"""What only promptfloe has: the words of its scripts, its rate limit.

The one room, besides ghostly's, where a system's own names may stand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamvet.probes.scripts import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.probes.driver import Driver
    from streamvet.probes.scripts import Emit
    from streamvet.probes.setting import Setting, Stimulus


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


_WORK_S = 10.0  # for a build that does its own work under control, where all intervals are scaled


def _allows(before: Sequence[Emit], emit: Emit) -> bool:
    """A review is of files that were emitted before it."""
    files = {one["path"] for one in before if one["type"] == "file"}
    return emit["type"] != "review" or files.issuperset(emit.get("files", ()))


WORDS = Vocabulary(emit=_emit, carriers=("file", "chunk", "progress"), allows=_allows)


def rate_stimuli(setting: Setting) -> list[Stimulus]:
    """The first kind of start."""
    return [{"name": "rate limit", "kind": setting.main.kind, "outcome": None, "script": []}]


async def rate(driver: Driver, stimulus: Stimulus) -> None:
    """Let the rate limit refuse one start."""
    await driver.candidate.control({"do": "fail", "what": "rate", "times": 1}, driver.tape)
    await driver.start_refused("rate limit", json.dumps(driver.body_of(stimulus["kind"])).encode(), role="limited")


def work_stimuli(setting: Setting) -> list[Stimulus]:
    """A build that does its own work: what a script emits, the system did not choose."""
    start = setting.profile.operations["start:build"]
    return [{"name": "own work", "kind": start.kind, "outcome": "succeeds", "script": None, "input": "succeeds"}]


async def work(driver: Driver, _stimulus: Stimulus) -> None:
    """Read it to its end."""
    _run, reader = await driver.begin("reader")
    if reader is not None:
        await driver.to_end(reader, _WORK_S)
