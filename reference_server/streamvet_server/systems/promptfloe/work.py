"""promptfloe's runs without HTTP: what a run of an input does, how it ends, what its record says.

It must not know requests, keys or streams. The agents are simulated. Words in the prompt (builds, chats) or the alias
(skills, augmenters) decide on the fate: `fails` makes the run fail half-way, `long` keeps it busy for an hour.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from streamvet_server.log import Row, now_ms
from streamvet_server.seams import Batch, Cause, Entry
from streamvet_server.wire import iso
from streamvet_server.work import Emit, Outcome, Plan, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STEP_MS = 40  # one simulated piece of work; short, and long enough that a reader sees events come one by one
LONG_STEP_MS = 10_000
LONG_STEPS = 360  # an hour: twelve times the life of a run that nobody reads
TERMINAL = frozenset({"ready", "done", "error", "cancelled"})
SKILLS = frozenset({"summarise", "critique", "extract", "translate"})

_FILES = (
    ("src/App.tsx", 'export default function App() {\n  return <main title="“Demo” 🚀">Grüße, 世界</main>;\n}\n'),
    ("src/components/Hero.tsx", "export const Hero = () => <h1>One page, three prices</h1>;\n"),
    ("src/components/Footer.tsx", "export const Footer = () => <footer>© Demo</footer>;\n"),
)
_WORDS = "# Summary\n\nThree prices, one page 🚀: nothing hidden, nothing “starting at”.\n"
_INSIGHT = {"kind": "fact", "label": "prices", "detail": "three"}

_STATUS = {
    Cause.SUCCEEDED: "succeeded",
    Cause.CANCELLED: "cancelled",
    Cause.STALE: "cancelled",
}
_ERRORS = {
    Cause.FAILED: ("upstream_error", "the model gave up"),
    Cause.BROKE: ("internal_error", "the run broke"),
    Cause.DETACHED: ("detached", "nobody read the run for too long"),
    Cause.RESTARTED: ("internal_error", "the server restarted while the run was active"),
}


def simulate(kind: str, said: str, augmenters: Sequence[str] = ()) -> Plan:
    """What a run of this kind does. `said` is the prompt or the alias."""
    words = set(re.findall(r"[a-z]+", said.lower()))
    steps: Mapping[str, Callable[[], Iterator[Step]]] = {
        "build": lambda: _build(words, augmenters),
        "skill": lambda: _skill(words),
        "augmenter": lambda: _augment(said, words),
    }
    return Plan(steps[kind], Outcome.FAILS if "fails" in words else Outcome.SUCCEEDS)


def _event(type_: str, **members: Any) -> Emit:
    return Emit({"type": type_, **members})


def _busy(words: set[str]) -> Iterator[Step]:
    if "long" in words:
        for step in range(LONG_STEPS):
            yield Wait(LONG_STEP_MS)
            yield _event("progress", stage="working", percent=100 * step // LONG_STEPS)


def _build(words: set[str], augmenters: Sequence[str]) -> Iterator[Step]:
    paths = [path for path, _ in _FILES]
    yield _event("plan", summary="A page with three prices", files=paths)
    yield Wait(STEP_MS)
    for path, contents in _FILES:
        yield _event("file", path=path, contents=contents)
        yield Wait(STEP_MS)
        if "fails" in words:
            return
    yield from _busy(words)
    yield _event("review", notes="Looks good; one label was missing.", files=paths[:1])
    for alias in augmenters:
        yield _event("augmenter", alias=alias, status="started")
        yield Wait(STEP_MS)
        # A failed augmenter does not fail the build.
        yield _event("augmenter", alias=alias, status="failed" if "fails" in alias else "applied")


def _skill(words: set[str]) -> Iterator[Step]:
    yield _event("progress", stage="reading")
    for delta in re.findall(r"\S*\s+", _WORDS):
        yield _event("chunk", delta=delta)
        yield Wait(STEP_MS)
        if "fails" in words:
            return
    yield from _busy(words)
    yield _event("insight", insight=_INSIGHT)


def _augment(alias: str, words: set[str]) -> Iterator[Step]:
    yield _event("started", alias=alias)
    yield _event("planning")
    yield Wait(STEP_MS)
    if "fails" in words:
        return
    yield from _busy(words)
    yield _event("file_written", path="src/theme.css", status="created")
    yield Wait(STEP_MS)


def emitted(step: Any) -> Step:
    """A script's `emit`: an event without what the server adds.

    Raises:
        ValueError: it is none.
    """
    match step:
        case {"type": str() as type_, **rest} if type_ not in TERMINAL and not {"id", "runId"} & rest.keys():
            return Emit(step)
    raise ValueError("expected {type, …} without id and runId, and no terminal type: the outcome decides on that")


def ending(row: Row, history: Sequence[Entry], cause: Cause) -> Batch:
    """The one terminal event of a run."""
    status = _STATUS.get(cause, "failed")
    if cause in _ERRORS:
        code, message = _ERRORS[cause]
        last: dict[str, Any] = {"type": "error", "code": code, "message": message, "requestId": request_id()}
    elif status == "cancelled":
        last = {"type": "cancelled"}
    elif row.kind == "build":
        app = row.facts.get("appId") or f"app_{row.id.removeprefix('run_')}"
        last = {"type": "ready", "appId": app, "previewUrl": f"https://preview.example.org/{app}"}
    else:
        last = {"type": "done", "tokensUsed": len(history), "durationMs": max(0, now_ms() - row.started_ms)}
        if row.kind == "augmenter":
            last["filesChanged"] = sum(entry.document["type"] == "file_written" for entry in history)
    return Batch(cause, [last], status)


def request_id() -> str:
    """An id by which an error can be asked after."""
    return f"req_{secrets.token_hex(8)}"


def record(row: Row, history: Sequence[Entry]) -> dict[str, Any]:
    """The run's record: all but its status is computed from its events, so that they cannot disagree."""
    documents = [entry.document for entry in history]
    told: dict[str, Any] = {"runId": row.id, "kind": row.kind, "status": row.status, "startedAt": iso(row.started_ms)}
    if row.ended_ms is not None:
        told |= {"endedAt": iso(row.ended_ms), "durationMs": max(0, row.ended_ms - row.started_ms)}
    if row.kind != "build":
        told["markdown"] = "".join(
            str(document.get("delta", "")) for document in documents if document["type"] == "chunk"
        )
        insights = (document.get("insight") for document in documents if document["type"] == "insight")
        told["insights"] = [insight for insight in insights if isinstance(insight, dict)]
    told["files"] = [
        {key: document[key] for key in ("path", "contents", "status") if isinstance(document.get(key), str)}
        for document in documents
        if document["type"] in ("file", "file_written")
    ]
    if documents and documents[-1]["type"] in TERMINAL:
        told |= {
            key: value for key, value in documents[-1].items() if key not in ("type", "code", "message", "requestId")
        }
        if documents[-1]["type"] == "error":
            told["error"] = {key: documents[-1][key] for key in ("code", "message")}
    return told
