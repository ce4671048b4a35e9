"""Makes an ambient candidate emit events through its control interface, and waits until its readers have them.

Must not know what a requirement is, nor which events are published.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamvet.probes.bounds import patience_s
from streamvet.recorder import pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Setting
    from streamvet.recorder import Live, Seen, Tape

_DELIVER_MS = 1000  # where the profile says nothing: a second is what people take for at once
_PATIENT = 5  # times that patience, while bytes keep coming; heartbeats come for ever
_SETTLED_S = 0.3  # of silence: then who came later has the last of several events that are alike
_MORE_S = 0.03  # behind the last event of a script: for one that comes twice to be seen


class Publisher:
    """What one try makes an ambient candidate emit."""

    def __init__(self, candidate: Candidate, setting: Setting, tape: Tape) -> None:
        self._candidate = candidate
        self._setting = setting
        self._profile = setting.profile
        self._tape = tape

    async def publish(self, emits: Sequence[Any], **about: Any) -> Live:
        """Make an ambient candidate emit these, in this order, now."""
        return await self._candidate.control({"do": "publish", "events": list(emits)}, self._tape, **about)

    async def put_state(self, state: Mapping[str, Any], **about: Any) -> Live:
        """Give an ambient candidate this state; a key that is given replaces what was there."""
        return await self._candidate.control({"do": "state", "state": dict(state)}, self._tape, **about)

    async def make_fail(self, what: str, times: int = 1, **about: Any) -> Live:
        """Make the next `times` of something fail inside the candidate."""
        return await self._candidate.control({"do": "fail", "what": what, "times": times}, self._tape, **about)

    async def perform(self, steps: Sequence[Any]) -> None:
        """Publish what a script emits, with its waits in between, which are ours here."""
        bunch: list[Any] = []
        for step in (*steps, {"wait_ms": 0}):
            if "emit" in step:
                bunch.append(step["emit"])
                continue
            if bunch:
                await self.publish(bunch)
                bunch = []
            await pause(float(step["wait_ms"]) * self._setting.scale / 1000)

    async def have_all(self, readers: Sequence[Live], emits: Sequence[Mapping[str, Any]]) -> None:
        """Wait until each of the readers of an ambient stream has the last of the events that were published; cut it.

        Where the last one is like others of them, who was there from the beginning has to have as many; who came later
        has it when nothing comes any more.
        """
        due_us, quiet_s = self._tape.now_us() + self._deliver_ms * 1000, patience_s(self._deliver_ms)
        name, value = self._profile.said(emits[-1])

        def is_like(other: Any) -> bool:
            return isinstance(other, dict) and all(other.get(key) == value[key] for key in value)

        copies = sum(other == name and is_like(said) for other, said in map(self._profile.said, emits))

        async def has(one: Live) -> None:
            count = 0

            def counted(seen: Seen) -> bool:
                nonlocal count
                count += is_like(seen.value) and (not name or seen.kind == self._profile.kind_of(value, name))
                return count >= wanted

            wanted = 1
            if await one.flows_until(counted, quiet_s, _PATIENT * quiet_s) and copies > 1:
                wanted, count = copies, 0
                await one.flows_until(counted, _SETTLED_S, _PATIENT * quiet_s)

        await asyncio.gather(*map(has, readers))
        await pause(_MORE_S)
        for one in readers:
            one.about["due_us"] = due_us
            await one.cut("it has what was published")

    @property
    def _deliver_ms(self) -> int:
        return int(self._profile.field("readers.deliver_within_ms") or _DELIVER_MS)
