"""What the processes that share the runs of one system tell each other: whom to end, and who is read.

It must not know how a run is performed or what it emits: it carries orders to the process that executes a run, and the
answers. Every message goes by the shared log, so that all have heard of the same when they act.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Protocol

from streamvet_server.seams import Cause
from streamvet_server.store import Unkept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamvet_server.feed import Feed, Message

_ANSWER_S = 10.0  # for another process to end a run, which it does at once


class ReadersChanged(Protocol):
    """Told that a run is read elsewhere now, or no more."""

    def __call__(self, run: str, *, read: bool) -> None:
        """About one run."""


class Crew:
    """The other processes. `end_here` ends a run that this process executes; `changed` hears of readers elsewhere."""

    def __init__(
        self, topic: str, feed: Feed, messages: dict[str, Callable[[Message], None]],
        end_here: Callable[[str, Cause], Awaitable[bool]], changed: ReadersChanged,
    ) -> None:  # fmt: skip
        self._topic = topic
        self._feed = feed
        self._end_here = end_here
        self._changed = changed
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._reading: dict[str, set[str]] = {}  # by run: the other processes that have readers of it
        self._tasks: set[asyncio.Task[None]] = set()
        messages.update(end=self._on_end, answer=self._on_answer, reading=self._on_reading)
        feed.on_change.append(self._on_change)

    def is_elsewhere(self, executor: str) -> bool:
        """Whether another process executes what has this executor."""
        return executor != self._feed.me and self._feed.is_up(executor)

    def inherits(self, executor: str) -> bool:
        """Whether this process has to end the runs of one that is gone: of its own slot, or of one that is no more."""
        slot = int(executor.partition("/")[0] or 0)
        mine = slot == self._feed.slot or (self._feed.slot == 0 and slot >= self._feed.workers)
        return mine and executor != self._feed.me

    async def end(self, run: str, executor: str, cause: Cause) -> bool:
        """Have a run ended by the process that executes it; gives what that says.

        Raises:
            Unkept: it does not answer.
        """
        order, loop = secrets.token_hex(8), asyncio.get_running_loop()
        answer = self._asked[order] = loop.create_future()
        try:
            self._feed.append(self._topic, {"end": run, "of": executor, "cause": cause.value, "order": order})
            return await asyncio.wait_for(answer, _ANSWER_S)
        except TimeoutError:
            raise Unkept("the process that executes the run does not answer") from None
        finally:
            del self._asked[order]

    def tell_reading(self, run: str, *, reading: bool) -> None:
        """Tell the others whether this process has readers of a run."""
        self._feed.append(self._topic, {"reading": run, "any": reading})

    def is_read(self, run: str) -> bool:
        """Whether another process has readers of a run."""
        return bool(self._reading.get(run))

    def _on_end(self, message: Message) -> None:
        # The answer comes behind the end in the log, so who has asked knows of the end when it hears the answer.
        task = asyncio.create_task(self._obey(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, message: Message) -> None:
        body = message.body
        if body["of"] == self._feed.me:
            done = await self._end_here(body["end"], Cause(body["cause"]))
            self._feed.append(self._topic, {"answer": body["order"], "done": done})

    def _on_answer(self, message: Message) -> None:
        answer = self._asked.get(message.body["answer"])
        if answer is not None and not answer.done():
            answer.set_result(bool(message.body["done"]))

    def _on_reading(self, message: Message) -> None:
        run, by = message.body["reading"], message.by
        if by == self._feed.me:
            return
        known = self._reading.setdefault(run, set())
        if message.body["any"]:
            known.add(by)
        else:
            known.discard(by)
        self._tell(run)

    def _on_change(self) -> None:
        """A process that was replaced has no readers any more."""
        for run, known in list(self._reading.items()):
            gone = {by for by in known if not self._feed.is_up(by)}
            known.difference_update(gone)
            if gone:
                self._tell(run)

    def _tell(self, run: str) -> None:
        read = self.is_read(run)
        if not read:
            self._reading.pop(run, None)
        self._changed(run, read=read)
