"""The state of agent-workspace: pipelines of any status, their log lines, and who may see which project.

It must not know HTTP, polls, connections or faults. It holds what there is, and takes it from the control interface or
from a demo; what of it a reader is shown, `view` says.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamvet_server.seams import HONEST, Batch, Cause, Scene
from streamvet_server.site import Ambient
from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from streamvet_server.site import Order, Site

    # Changes a state for ever; the float is the time scale.
    Demonstrate = Callable[["State", float], Coroutine[Any, Any, None]]

Document = dict[str, Any]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# The form that ECMAScript's Date reads everywhere; `fromisoformat` takes more.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def moment(text: str | None) -> datetime:
    """The time of an ISO 8601 text with an offset; the earliest of all for null.

    Raises:
        ValueError: it is not one.
    """
    if text is None:
        return _LONG_AGO
    if _TIME.fullmatch(text) is None:
        raise ValueError("it has another form")
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Line:
    """A log line. `ordinal` counts in order of arrival, from 1, and in order of time among those that came together."""

    ordinal: int
    at: datetime
    document: Document


class State(Ambient):
    """What there is now. `over` ends the streams that are open now; `newest` is the last line's ordinal."""

    def __init__(self, demonstrate: Demonstrate) -> None:
        self._demonstrate = demonstrate
        self.over = asyncio.Event()
        self._demo: asyncio.Task[None] | None = None
        self._stopped = False
        self._seams = HONEST
        self._forget()

    def _forget(self) -> None:
        self.pipelines: Sequence[Document] = ()
        self.lines: Mapping[str, Sequence[Line]] = {}  # by pipeline, in order of arrival
        self.newest = 0
        self._arrived: dict[str, int] = {}  # the ordinal of each line's id that was ever there
        self._projects = {account.name: frozenset(account.projects) for account, _ in ACCOUNTS}

    def projects(self, name: str) -> frozenset[str]:
        """The projects that the owner of an e-mail address may see now."""
        return self._projects.get(name, frozenset())

    def put_pipelines(self, pipelines: Sequence[Document]) -> None:
        """Replace the pipelines."""
        batch = self._seams.append(Scene("agent-workspace", "work"), Batch(Cause.WORK, pipelines))
        self.pipelines = [dict(pipeline) for pipeline in batch.documents]

    def put_logs(self, logs: Sequence[Document]) -> None:
        """Replace the log lines. Those whose id was never there are new."""
        timed = [(moment(line["createdAt"]), line) for line in logs]
        for _, line in sorted(timed, key=lambda one: one[0]):
            if line["id"] not in self._arrived:
                self.newest += 1
                self._arrived[line["id"]] = self.newest
        lines = defaultdict(list)
        for at, line in sorted(timed, key=lambda one: self._arrived[one[1]["id"]]):
            lines[line["pipelineRunId"]].append(Line(self._arrived[line["id"]], at, line))
        self.lines = lines

    def put_users(self, users: Mapping[str, Sequence[str]]) -> None:
        """Replace who may see what. Who is not named sees nothing."""
        self._projects = {name: frozenset(projects) for name, projects in users.items()}

    @property
    def orders(self) -> Mapping[str, Order]:
        """What the control interface may tell it."""
        return {"state": self._state}

    async def _state(self, document: Mapping[str, Any]) -> tuple[int, Any]:
        state = document.get("state")
        if not isinstance(state, dict) or not state or not state.keys() <= _PARTS.keys():
            raise ValueError(f"expected `state` to be an object with some of {', '.join(_PARTS)}, got {state!r:.80}")
        for part, given in state.items():  # all of it before any of it is taken
            _PARTS[part](part, given)
        puts: Mapping[str, Callable[[Any], None]] = {
            "pipelines": self.put_pipelines,
            "logs": self.put_logs,
            "users": self.put_users,
        }
        for part, given in state.items():
            puts[part](given)
        return 200, {}

    async def come_up(self, site: Site) -> None:
        """Without the control interface there is a demo to look at."""
        self._seams = site.seams
        if site.desk is None:
            self._demo = asyncio.create_task(self._demonstrate(self, site.scale))

    async def farewell(self) -> None:
        """Every stream ends, also those to come; nobody is told."""
        self._stopped = True
        self.over.set()

    async def stop(self) -> None:
        """End the demo."""
        if self._demo is not None:
            self._demo.cancel()
            await asyncio.gather(self._demo, return_exceptions=True)

    async def reset(self) -> None:
        """Forget everything but the accounts, and end every stream."""
        self._forget()
        self.put_pipelines(())
        self.over.set()
        if not self._stopped:
            self.over = asyncio.Event()


# The shape of what `state` takes: a kind for each key. Further keys are shown as they are.
_PIPELINE = {
    "id": "a string",
    "projectId": "a string",
    "projectName": "a string",
    "status": "a string or null",
    "startedAt": "a time or null",
    "trigger": "a string",
    "triggerData": "anything",
    "jobs": "an array",
    "pendingInterventions": "an array",
}
_JOB = {
    "id": "a string",
    "pipelineRunId": "a string",
    "agentType": "a string",
    "status": "a string or null",
    "startedAt": "a time or null",
    "completedAt": "a time or null",
    "error": "a string or null",
}
_INTERVENTION = {
    "id": "a string",
    "pipelineRunId": "a string",
    "type": "one of interrupt, inject, take_over, resume, note",
    "message": "a string or null",
    "status": "one of pending, resolved",
    "createdAt": "a time",
}
_LOG = {
    "id": "a string",
    "pipelineRunId": "a string",
    "jobId": "a string or null",
    "agentType": "a string or null",
    "level": "one of info, tool_call, tool_result, thinking, error, metric",
    "message": "a string",
    "metadata": "an object or null",
    "createdAt": "a time",
}


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(moment(value))
    except ValueError:
        return False


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "anything": lambda _value: True,
    "a string": lambda value: isinstance(value, str),
    "a time": _is_time,
    "an array": lambda value: isinstance(value, list),
    "an object": lambda value: isinstance(value, dict),
}


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("one of "):
        return isinstance(value, str) and value in kind.removeprefix("one of ").split(", ")
    plain = kind.removesuffix(" or null")
    return (value is None and plain != kind) or _KINDS[plain](value)


def _expect(where: str, kind: str, value: Any) -> None:
    if not _fits(kind, value):
        raise ValueError(f"{where}: expected {kind}, got {value!r:.80}")


def _has_shape(where: str, document: Any, shape: Mapping[str, str]) -> None:
    _expect(where, "an object", document)
    for key, kind in shape.items():
        if key not in document:
            raise ValueError(f"{where}: expected the key {key}")
        _expect(f"{where}.{key}", kind, document[key])


def _has_ids(where: str, documents: Iterable[Document]) -> None:
    """Every id is there once."""
    ids = sorted(document["id"] for document in documents)
    twice = next((one for one, other in itertools.pairwise(ids) if one == other), None)
    if twice is not None:
        raise ValueError(f"{where}: the id {twice!r:.80} is there twice")


def _are_pipelines(where: str, value: Any) -> None:
    _expect(where, "an array", value)
    for index, pipeline in enumerate(value):
        here = f"{where}[{index}]"
        _has_shape(here, pipeline, _PIPELINE)
        for part, shape in (("jobs", _JOB), ("pendingInterventions", _INTERVENTION)):
            for number, document in enumerate(pipeline[part]):
                _has_shape(f"{here}.{part}[{number}]", document, shape)
                if document["pipelineRunId"] != pipeline["id"]:
                    raise ValueError(f"{here}.{part}[{number}].pipelineRunId: expected the pipeline's own id")
            _has_ids(f"{here}.{part}", pipeline[part])
    _has_ids(where, value)


def _are_logs(where: str, value: Any) -> None:
    _expect(where, "an array", value)
    for index, line in enumerate(value):
        _has_shape(f"{where}[{index}]", line, _LOG)
    _has_ids(where, value)


def _are_users(where: str, value: Any) -> None:
    _expect(where, "an object", value)
    for name, projects in value.items():
        _expect(f"{where}.{name}", "an array", projects)
        for index, project in enumerate(projects):
            _expect(f"{where}.{name}[{index}]", "a string", project)


_PARTS: Mapping[str, Callable[[str, Any], None]] = {
    "pipelines": _are_pipelines,
    "logs": _are_logs,
    "users": _are_users,
}
