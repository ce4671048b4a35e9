"""rockstar's pushes without HTTP: what is pushed, the steps that it takes, the plan files that a session wrote.

It must not know requests, tokens, streams or SQLite. Drawing and compressing are simulated; what a push leaves behind
is not: the redaction of its content and the plans in it are read from what was pushed.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet_server.wire import NotJson, parse_json
from streamvet_server.work import Emit, Outcome, Plan, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STEP_MS = 40  # one simulated piece of work; short, and long enough that a reader sees lines come one by one
TERMINAL = frozenset({"done", "error"})
PRIVACIES = ("public", "secret", "private")
DEFAULT_PRIVACY = "secret"
SESSION, PLAN = "session", "plan"

# What is taken out of pushed sessions. Empty: the clients redact before they push, and the server has no rules of its
# own; a pattern here takes effect in every session.
REDACTIONS: tuple[re.Pattern[str], ...] = ()
REDACTED = "[REDACTED]"

_NANOID_CHARACTERS = string.ascii_lowercase + string.digits
_NANOID_LENGTH = 12
# A home directory is not known here, so what looks like one is taken for one.
_PLAN_FILE = re.compile(r"(?:~|/root|/(?:home|Users)/[^/]+)/\.claude/plans/([^/]+\.md)")


@dataclass(frozen=True, slots=True)
class Push:
    """What a client wants kept. None leaves what an earlier push said; `writes` are plan files and their contents."""

    kind: str
    owner: str
    name: str  # the session's id, the plan's file name
    content: str
    title: str | None = None
    privacy: str | None = None
    project: str | None = None  # its label
    writes: Sequence[tuple[str, str]] = ()


def nanoid() -> str:
    """A new id for URLs."""
    return "".join(secrets.choice(_NANOID_CHARACTERS) for _ in range(_NANOID_LENGTH))


def redacted(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """The text without what the patterns find."""
    for pattern in patterns:
        text = pattern.sub(REDACTED, text)
    return text


def plan_writes(data: str) -> Iterator[tuple[str, str]]:
    """Each plan file that a session's JSONL wrote, as often as it did, with the content."""
    for line in data.split("\n"):
        if '"Write"' not in line:  # no writer of JSON escapes letters; most lines need not be parsed
            continue
        try:
            record = parse_json(line)
        except NotJson:
            continue
        for item in _content(record):
            match item:
                case {"type": "tool_use", "name": "Write", "input": {"file_path": str(path), "content": str(content)}}:
                    found = _PLAN_FILE.fullmatch(path)
                    if found is not None:
                        yield found[1], content


def _content(record: Any) -> Sequence[Any]:
    match record:
        case {"message": {"content": list(items)}}:
            return items
    return ()


def session_work(push: Push) -> Plan:
    """The steps of a session up to the moment in which it is kept."""
    records = push.content.count("\n") + 1

    def steps() -> Iterator[Step]:
        yield from _step("redacting", f"Looking for secrets in {records} records")
        yield from _step("compressing", f"Packing {_size(push.content)}")
        yield from _publishing("session")

    return Plan(steps, Outcome.SUCCEEDS)


def plan_work(push: Push, *, unchanged: bool) -> Plan:
    """The steps of a plan up to the moment in which it is kept; of one that is as it was, the check alone."""

    def steps() -> Iterator[Step]:
        yield from _step("checking", f"Comparing {_size(push.content)} with the latest version")
        if not unchanged:
            yield from _publishing("plan")

    return Plan(steps, Outcome.SUCCEEDS)


def linking_work(plans: int) -> Callable[[], Iterator[Step]]:
    """The step behind a session that wrote plan files."""
    return lambda: _step("linking_plans", f"Linking {plans} {'plan' if plans == 1 else 'plans'}")


def _publishing(kind: str) -> Iterator[Step]:
    yield from _step("generating_preview", "Drawing the preview image")
    yield from _step("storing", f"Writing the {kind} to the database")


def _step(name: str, detail: str) -> Iterator[Step]:
    yield Emit({"step": name, "detail": detail})
    yield Wait(STEP_MS)


def _size(text: str) -> str:
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    return f"{size_bytes} B" if size_bytes < 1024 else f"{size_bytes / 1024:.1f} KiB"


def emitted(step: Any) -> Step:
    """A script's `emit`: a line of progress.

    Raises:
        ValueError: it is none.
    """
    match step:
        case {"step": str(name), **rest} if name not in TERMINAL and rest.keys() <= {"detail"}:
            if isinstance(rest.get("detail", ""), str):
                return Emit(step)
    raise ValueError("expected {step, detail?} of strings, and no terminal step: the outcome decides on that")
