"""The control interface: makes a system emit exactly what it is told. Only with --control, never in production.

It must not know any system: it holds scripts and failures to come, and reads what `POST {prefix}/_conformance` says.
What a step may emit, and what can fail, the system says.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from streamvet_server.work import Outcome, Plan, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SCRIPT_HEADER = "Streamvet-Script"

# A wait longer than a day is a mistake in the script, and beyond what some timers carry.
_MAX_WAIT_MS = 24 * 3600 * 1000


class Malformed(ValueError):  # noqa: N818 -- it names the request
    """The request is not one of the control interface."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one system has been told: scripts by id, and how many times something will fail."""

    profile: str
    scale: float
    step: Callable[[Any], Step] | None
    failures: frozenset[str]
    forget: Callable[[], Awaitable[None]]
    orders: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[tuple[int, Any]]]]  # `publish`, `state`: by the system
    tell: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None  # the other processes, where there are some
    scripts: dict[str, Plan] = field(default_factory=dict)
    failing: Counter[str] = field(default_factory=Counter)
    spent: Callable[[str], Any] | None = None  # told that something has failed once, where other processes hear of it

    def take_failure(self, what: str) -> bool:
        """Whether this is to fail this time."""
        if self.failing[what] <= 0:
            return False
        self.failing[what] -= 1
        if self.spent is not None:
            self.spent(what)
        return True

    def take(self, document: Mapping[str, Any]) -> None:
        """Take up what was told to another process."""
        match document:
            case {"script": str(script), "document": dict(plan)}:
                self.scripts[script] = self._plan(plan)
            case {"fail": str(what), "times": int(times)}:
                self.failing[what] = max(0, self.failing[what] + times)

    async def answer(self, document: Any) -> tuple[int, Any]:
        """Status and document of the answer to a request.

        Raises:
            Malformed: unknown or not well-formed; the text says what was expected.
        """
        if not isinstance(document, dict):
            raise Malformed("expected an object with a string `do`")
        match document.get("do"):
            case "describe":
                can = [*(["script"] if self.step else []), *self.orders, *(["fail"] if self.failures else []), "reset"]
                return 200, {"control": 1, "profile": self.profile, "time_scale": self.scale, "can": can}
            case "script" if self.step:
                script = f"script_{secrets.token_hex(8)}"
                self.scripts[script] = self._plan(document)
                if self.tell is not None:
                    await self.tell({"script": script, "document": document})
                return 201, {"script": script}
            case "fail":
                what, times = self._fail(document)
                if self.tell is None:
                    self.failing[what] += times
                else:
                    await self.tell({"fail": what, "times": times})
                return 200, {}
            case "reset":
                self.scripts.clear()
                self.failing.clear()
                await self.forget()
                return 200, {}
            case str() as order if order in self.orders:
                try:
                    return await self.orders[order](document)
                except ValueError as reason:
                    raise Malformed(str(reason)) from None
            case other:
                known = ", ".join(["describe", *(["script"] if self.step else []), *self.orders, "fail", "reset"])
                raise Malformed(f"expected `do` to be one of {known}, got {other!r:.80}")

    def _plan(self, document: dict[str, Any]) -> Plan:
        steps = document.get("steps")
        if not isinstance(steps, list):
            raise Malformed("expected `steps` to be an array")
        try:
            outcome = Outcome(document.get("outcome"))
        except ValueError:
            raise Malformed(
                f"expected `outcome` to be succeeds, fails or hangs, got {document.get('outcome')!r:.80}"
            ) from None
        parsed = tuple(self._step(index, step) for index, step in enumerate(steps))
        return Plan(lambda: parsed, outcome)

    def _step(self, index: int, step: Any) -> Step:
        match step:
            case {"emit": emitted, **rest} if not rest:
                try:
                    return cast("Callable[[Any], Step]", self.step)(emitted)
                except ValueError as reason:
                    raise Malformed(f"steps[{index}].emit: {reason}") from None
            case {"wait_ms": (int() | float()) as ms, **rest} if (
                not rest and not isinstance(ms, bool) and 0 <= ms <= _MAX_WAIT_MS
            ):
                return Wait(ms)
            case _:
                raise Malformed(f"steps[{index}]: expected {{'emit': …}} or {{'wait_ms': n}}, got {step!r:.80}")

    def _fail(self, document: dict[str, Any]) -> tuple[str, int]:
        what, times = document.get("what"), document.get("times", 1)
        if not isinstance(what, str) or what not in self.failures:
            raise Malformed(f"expected `what` to be one of {sorted(self.failures)}, got {what!r:.80}")
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise Malformed(f"expected `times` to be an integer from 1, got {times!r:.80}")
        return what, times
