"""ghostly's runs without HTTP: what a run's input may be, what a run of it does, how it ends, what its record says.

It must not know requests, tokens or streams. The browser is simulated: each step takes a moment and succeeds, unless
the input says otherwise (see the README): a `goto` to a path that ends in `/fails` fails, one that ends in `/heals`
fails and is healed in assisted runs, and a `waitForSelector` with `timeoutMs` takes that long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from streamvet_server.log import Row, now_ms
from streamvet_server.seams import Batch, Cause, Entry
from streamvet_server.wire import iso
from streamvet_server.work import Emit, Outcome, Plan, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STEP_MS = 40  # one simulated browser step; short, and long enough that a reader sees events come one by one
MAX_STEPS = 25
MAX_TIMEOUT_MS = 120_000
STEP_SCOPED = frozenset(
    {"step_start", "step_success", "step_failure", "heal_start", "heal_action", "heal_success", "heal_failure"}
)
# In the log, not on the wire: the run's final status stands behind its last assist event.
SETTLED = "settled"
REDACTED = "[REDACTED]"

# Per action: its string members, all required.
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "goto": ("url",),
    "click": ("selector",),
    "fill": ("selector", "value"),
    "press": ("key",),
    "waitForSelector": ("selector",),
    "snapshot": (),
    "selectOption": ("selector",),
    "check": ("selector",),
    "uncheck": ("selector",),
    "setInputFiles": ("selector",),
    "hover": ("selector",),
}


def problems(body: Any) -> list[str]:
    """What is wrong with a run's input, project aside; empty where nothing is."""
    if not isinstance(body, dict):
        return ["the body must be an object"]
    found = []
    base = body.get("baseUrl")
    if not isinstance(base, str) or not _is_url(base):
        found.append("baseUrl must be an absolute http or https URL")
        base = None
    if "defaultTimeoutMs" in body and not _is_timeout(body["defaultTimeoutMs"]):
        found.append(f"defaultTimeoutMs must be an integer from 1 to {MAX_TIMEOUT_MS}")
    steps = body.get("steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS:
        found.append(f"steps must be an array of 1 to {MAX_STEPS} steps")
    else:
        found += [f"steps[{index}]: {text}" for index, step in enumerate(steps) for text in _step_problems(step, base)]
    for key, holds in (("assisted", _is_assisted), ("assist", _is_assist)):
        if key in body and not holds(body[key]):
            found.append(f"{key} is invalid")
    return found


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_timeout(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_TIMEOUT_MS


def _is_assisted(value: Any) -> bool:
    keys = ("goal", "model", "generatedAt", "promptVersion")
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)


def _is_assist(value: Any) -> bool:
    return isinstance(value, dict) and value.get("v2") is True and isinstance(value.get("goal"), str)


def _step_problems(step: Any, base: str | None) -> Iterator[str]:
    action = step.get("action") if isinstance(step, dict) else None
    if not isinstance(action, str) or action not in _ACTIONS:
        yield f"action must be one of {', '.join(_ACTIONS)}"
        return
    for member in _ACTIONS[action]:
        if not isinstance(step.get(member), str) or (member != "value" and not step[member]):
            yield f"{member} must be a string"
            return
    if "timeoutMs" in step and not _is_timeout(step["timeoutMs"]):
        yield f"timeoutMs must be an integer from 1 to {MAX_TIMEOUT_MS}"
    if action == "goto" and base is not None and _origin(urljoin(base, step["url"])) != _origin(base):
        yield "url must share the origin of baseUrl"


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts: SplitResult = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None


def simulate(body: Mapping[str, Any], veil: Callable[[str], str] = lambda _secret: REDACTED) -> Plan:
    """What a run of this input does. `veil`: what stands for a text that was filled into a form."""
    steps: Sequence[Mapping[str, Any]] = body["steps"]
    told = [_shown_step(step, veil) for step in steps]
    assisted = "assist" in body
    fate = Outcome.FAILS if any(_fails(step, assisted=assisted) for step in steps) else Outcome.SUCCEEDS
    walk: Callable[[], Iterator[Step]] = lambda: _assisted(body, told) if assisted else _manual(steps, told)  # noqa: E731
    return Plan(walk, fate)


def _path(step: Mapping[str, Any]) -> str:
    return urlsplit(step["url"]).path.rstrip("/") if step["action"] == "goto" else ""


def _fails(step: Mapping[str, Any], *, assisted: bool) -> bool:
    return _path(step).endswith("/fails") or (not assisted and _path(step).endswith("/heals"))


def _assist(type_: str, payload: Mapping[str, Any], index: int | None = None) -> Emit:
    scoped = {} if index is None else {"stepIndex": index}
    return Emit({"type": type_, **scoped, "payload": dict(payload)})


def _shown_step(step: Mapping[str, Any], veil: Callable[[str], str]) -> dict[str, Any]:
    # What is filled into a form may be a password: it is in no event.
    return {**step, "value": veil(step["value"])} if step["action"] == "fill" else dict(step)


def _manual(
    steps: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]], *, assisted: bool = False
) -> Iterator[Step]:
    for index, step in enumerate(steps):
        told = {"step": shown[index]}
        yield _assist("step_start", told, index)
        yield Wait(step.get("timeoutMs", STEP_MS) if step["action"] == "waitForSelector" else STEP_MS)
        if _fails(step, assisted=assisted):
            yield _assist("step_failure", {**told, "error": "the page answered with an error"}, index)
            return
        if _path(step).endswith("/heals"):
            yield _assist("step_failure", {**told, "error": "the link was not found"}, index)
            yield _assist("heal_start", {"attempt": 1, "maxAttempts": 2, "nodeCount": 12}, index)
            yield _assist("heal_action", {**told, "rationale": "the link has another name"}, index)
            yield Wait(STEP_MS)
            yield _assist("heal_success", told, index)
            yield _assist("step_start", told, index)
        yield _assist("step_success", told, index)


def _assisted(body: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    steps = body["steps"]
    page = {"url": body["baseUrl"], "title": "Demo", "nodeCount": 12, "treeMarkdown": "- heading “Demo”"}
    yield _assist("recon", page)
    yield _assist("memory_miss", {"horizon": 0})
    yield _assist("horizon_start", {"horizon": 0, "pendingSteps": len(steps)})
    yield Wait(STEP_MS)
    plan = {"steps": list(shown), "hasMore": False, "planProgress": f"0/{len(steps)}"}
    yield _assist("plan_chunk", plan)
    yield _assist("loop_state", {"state": "executing"})
    yield from _manual(steps, shown, assisted=True)
    if any(_fails(step, assisted=True) for step in steps):
        yield _assist("loop_state", {"state": "stopped"})
        return
    yield _assist("horizon_end", {"horizon": 0, "pendingSteps": 0, "hasMore": False})
    yield _assist("victory_check", {"horizon": 0, "configured": True, "met": True})


def emitted(step: Any) -> Step:
    """A script's `emit`: an assist event without what the server adds.

    Raises:
        ValueError: it is none.
    """
    match step:
        case {"type": str() as type_, "payload": dict() as payload, **rest} if type_ != "run_end":
            index = rest.pop("stepIndex", None)
            if not rest and (index is None or (isinstance(index, int) and not isinstance(index, bool) and index >= 0)):
                return _assist(type_, payload, index)
    raise ValueError("expected {type, payload, stepIndex?}, and not run_end: the outcome decides on that")


def ending(row: Row, history: Sequence[Entry], cause: Cause) -> Batch:
    """The events that end a run: `run_end`, the judge's verdict in assisted runs, and the settled status."""
    settled = {SETTLED: "pass" if cause is Cause.SUCCEEDED else "fail"}
    if cause in (Cause.CANCELLED, Cause.STALE):
        stale = {"staleAfterRestart": True} if cause is Cause.STALE else {}
        last = _assist("run_end", {"cancelled": True, "source": "user", **stale})
        return Batch(cause, [last.document, settled], "fail", {"stopReason": "cancelled by the user"})
    if cause is Cause.BROKE:
        return Batch(cause, [settled], "fail", {"stopReason": "internal error", "verdict": "inconclusive-environment"})
    types = [entry.document.get("type") for entry in history]
    passed = cause is Cause.SUCCEEDED
    verdict = "success" if passed else "fail-app-bug"
    totals = {
        "ok": passed,
        "durationMs": max(0, now_ms() - row.started_ms),
        "totalSteps": types.count("step_success") + types.count("step_failure"),
        "failedSteps": types.count("step_failure"),
        "verdict": verdict,
    }
    documents = [_assist("run_end", totals).document]
    if "plan_chunk" in types and row.kind == "assist":
        documents.append(_assist("judge_verdict", {"verdict": verdict}).document)
    return Batch(cause, [*documents, settled], settled[SETTLED], {"verdict": verdict})


def record(row: Row, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The RunRecord. `events` are the run's assist events as they are shown; the list's records have none."""
    duration_ms = 0 if row.ended_ms is None else max(0, row.ended_ms - row.started_ms)
    told = {
        "id": row.id,
        "status": row.status,
        "startedAt": iso(row.started_ms),
        "durationMs": duration_ms,
        **row.facts,
    }
    told["steps"] = [
        {
            "index": event["stepIndex"],
            "action": event["payload"].get("step", {}).get("action", "unknown"),
            "ok": event["type"] == "step_success",
            **({"error": event["payload"]["error"]} if "error" in event["payload"] else {}),
        }
        for event in events
        if event["type"] in ("step_success", "step_failure") and isinstance(event.get("stepIndex"), int)
    ]
    if events:
        told["events"] = list(events)
    return told
