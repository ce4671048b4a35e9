"""What names a run, and what set-up requests give: where an answer has a value, and the requests that fill names.

Must not know what a run is started for, nor who asks for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.recorder import pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from streamvet.contract.profile import Operation
    from streamvet.probes.candidate import Candidate
    from streamvet.recorder import Live

_ID = "/id"  # where a push, of which no profile has to say it, may have an id
_RUN = "{run}"
_LOOK_S = 0.005  # between two looks at whether an event with the id has come


def value_of(where: Mapping[str, Any], live: Live) -> str | None:
    """What an answer has at a place, as text; None where it has nothing there."""
    if "header" in where:
        found: Any = (live.head_now.get(where["header"]) if live.head_now else "") or None
    elif "event" in where:
        found = next((one for event in live.seen if _is_id(one := pointed(event.value, where["event"]))), None)
    else:
        found = pointed(live.json(), where.get("pointer", _ID))
    return _inside(str(found), where.get("match", _RUN)) if _is_id(found) else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _inside(text: str, template: str) -> str | None:
    """The part of a text that is at `{run}` in a template; what comes before that text may be anything."""
    before, _, after = template.partition(_RUN)
    start = text.find(before)
    if start < 0:
        return None
    rest = text[start + len(before) :]
    end = rest.find(after) if after else len(rest)
    return rest[:end] or None if end >= 0 else None


def place_in_words(operation: Operation) -> str:
    """Where the answer to a start has the id of the run."""
    where = operation.raw.get("run_id", {})
    if "header" in where:
        return f"the field {where['header']}"
    return f"an event at {where['event']}" if "event" in where else str(where.get("pointer"))


async def run_id(operation: Operation, live: Live, new: str, within_s: float) -> str | None:
    """The id of a run that was started: what the answer has, or `new`, where the client makes it."""
    if live.head_now is None or live.head_now.status not in operation.status:
        return None
    where = operation.raw.get("run_id", {})
    if not where and new:
        return new
    if "event" in where:
        await _until(lambda: live.ending is not None or value_of(where, live) is not None, within_s)
    return value_of(where, live)


async def _until(holds: Callable[[], bool], within_s: float) -> None:
    """Look again and again, no longer than that; the stream goes on either way."""
    try:
        async with asyncio.timeout(within_s):
            while not holds():
                await pause(_LOOK_S)
    except TimeoutError:
        return


class Taken:
    """What the set-up requests of the profile have given, for each account. They are made when that is first asked."""

    def __init__(self, operations: list[Operation]) -> None:
        self._operations = operations
        self._values: dict[str, dict[str, str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def forget(self) -> None:
        """The candidate has been started again."""
        self._values.clear()

    async def of(
        self, account: str, candidate: Candidate, ask: Callable[[Operation, Mapping[str, str]], Awaitable[Live]]
    ) -> Mapping[str, str]:
        """The names that are filled for an account; those of a request that fails have no value."""
        if not self._operations:
            return {}
        async with self._locks.setdefault(account, asyncio.Lock()):
            if account not in self._values:
                found: dict[str, str] = {}
                for operation in self._operations:
                    live = await ask(operation, found)
                    found |= _given(operation, live)
                candidate.recorder.secrets.add(*found.values())
                if found.keys() == {name for one in self._operations for name in one.raw.get("take", ())}:
                    self._values[account] = found
                return found
            return self._values[account]


def _given(operation: Operation, live: Live) -> dict[str, str]:
    """What the answer to a set-up request gives; what it lacks hinders whoever needs it."""
    if live.head_now is None or live.head_now.status not in operation.status:
        status = live.head_now.status if live.head_now else "no answer"
        live.about["hindrance"] = f"{operation.name} is answered with {status}"
        return {}
    found = {name: value_of(where, live) for name, where in operation.raw.get("take", {}).items()}
    if lacking := [name for name, value in found.items() if value is None]:
        live.about["hindrance"] = f"the answer to {operation.name} has no {' and no '.join(lacking)}"
    return {name: value for name, value in found.items() if value is not None}
