"""Performs the profile's operations for one try, and records them with their roles.

Knows what each request of a try is for, and says so in the trace; must not know what a requirement is. A candidate
that misbehaves gives a run without an id or a stream that ends early, never an exception.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from streamvet.probes import errands
from streamvet.probes.cursors import gets, newest, resumes
from streamvet.probes.following import Follower
from streamvet.probes.publishing import Publisher
from streamvet.probes.runs import Cursor, Run
from streamvet.probes.sender import IDENTITY, Sender
from streamvet.probes.starting import Starter
from streamvet.probes.stream_waits import StreamWaits
from streamvet.recorder import pause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import CutPlan, Live, Tape

# The label of what an ambient stream is of, where a run has its own.
AMBIENT = "ambient"
_NO_CURSOR = "its reader has no cursor"


class Driver:
    """The operations of one try. Starts, what is published, and waits on streams are parts, handed on as its own."""

    def __init__(self, candidate: Candidate, setting: Setting, tape: Tape, stimulus: Stimulus) -> None:
        self.candidate = candidate
        self.setting = setting
        self.profile = setting.profile
        self.tape = tape
        self.stimulus = stimulus
        self.bounds = setting.bounds(stimulus.get("script", []))
        self.random = random.Random(  # noqa: S311 - not for secrets
            f"{setting.seed}/{stimulus['name']}/{stimulus.get('kind')}/{stimulus.get('part', 0)}"
        )
        self._sender = Sender(candidate, tape, self.bounds.answer_s)

        starter = Starter(candidate, setting, tape, stimulus, sender=self._sender, bounds=self.bounds)
        self.body_of = starter.body_of
        self.start = starter.start
        self.start_refused = starter.refused

        publisher = Publisher(candidate, setting, tape)
        self.publish = publisher.publish
        self.put_state = publisher.put_state
        self.make_fail = publisher.make_fail
        self.perform = publisher.perform
        self.have_all = publisher.have_all

        waits = StreamWaits(candidate, self.profile, stimulus, self.bounds)
        self.is_terminal = waits.is_terminal
        self.has_begun = waits.has_begun
        self.sees_some = waits.sees_some
        self.observe = waits.observe
        self.run_shows = waits.run_shows
        self._waits = waits

        follower = Follower(self.profile, waits, self.bounds, self._back_to)
        self.terminal = follower.terminal
        self.to_end = follower.to_end
        self.closed = follower.closed
        self.finished = follower.finished
        self.shown = follower.shown

    @property
    def in_vain(self) -> bool:
        """Whether no run like those of this try has ended so far, though that was waited for."""
        return self._waits.in_vain

    async def can_be(self, account: str) -> bool:
        """Whether there are working credentials for this account."""
        return bool(await self.candidate.credential(account, self.tape))

    # ------------------------------------------------------------------ streams

    async def begin(self, role: str = "reader", *, ending: str | None = None, **more: Any) -> tuple[Run, Live | None]:
        """Start a run and read it from its beginning, whichever way the system has for that."""
        run = await self.start(role, ending=ending, **more)
        if self.profile.streams == "push":
            return run, run.stream  # whatever its answer is: nobody can ask for it again
        if run.id is None:
            return run, None
        if run.stream is None and "attach" not in self.profile.operations:
            return run, None
        return run, run.stream or await self.attach(run, role, **more)

    async def attach(
        self, run: Run, role: str, *, account: str = "primary", cursor: Cursor | None = None, meant: str = "stream",
        cut: CutPlan | None = None, stalls: bool = False, coding: str = IDENTITY, **about: Any,
    ) -> Live:  # fmt: skip
        """Request the stream of a run; with a cursor, from there on."""
        operation = self.profile.operations.get("attach", self.profile.operations.get("resume"))
        if operation is None:
            raise LookupError(f"profile {self.profile.name} has neither attach nor resume")
        facts: dict[str, Any] = {"meant": meant, "run": run.label, "run_id": run.id, "kind": run.kind, **about}
        values: dict[str, str] = {}
        headers: tuple[tuple[str, str], ...] = ()
        facts |= _facts_of(cursor)
        if cursor:
            if cursor.origin == "last-event-id":
                headers = (("Last-Event-ID", cursor.text),)
            else:
                operation = self.profile.operations.get("resume", operation)
                values = {"cursor": cursor.text}
        return await self._sender.send(
            operation, role, facts, account=account, run_id=run.id or "", values=values, headers=headers, cut=cut,
            stalls=stalls, coding=coding, hindrance="" if cursor or self.setting.has("attach") else _NO_CURSOR,
        )  # fmt: skip

    async def listen(
        self, role: str = "reader", *, account: str = "primary", meant: str = "stream", accept: str | None = None,
        headers: tuple[tuple[str, str], ...] = (), path: str | None = None, cut: CutPlan | None = None,
        stalls: bool = False, coding: str = IDENTITY, cursor: Cursor | None = None, **about: Any,
    ) -> Live:  # fmt: skip
        """Request the ambient stream, with a cursor from there on; the head has come, or none comes."""
        facts: dict[str, Any] = {"meant": meant, "run": AMBIENT, **about}
        if accept is not None:
            facts["accept"] = accept
        facts |= _facts_of(cursor)
        live = await self._sender.send(
            self.profile.operations["resume" if cursor else "attach"], role, facts, account=account, headers=headers,
            accept=accept, path=path, cut=cut, stalls=stalls, coding=coding,
            values={"cursor": cursor.text} if cursor else {},
        )  # fmt: skip
        await live.head(self.bounds.answer_s)
        return live

    async def read_again(self, run: Run) -> Live | None:
        """Read a run that is over from its beginning, where anybody can attach to it."""
        if not self.setting.joins:
            return None
        again = await self.attach(run, "after", finished=True)
        await self.finished(again)
        return again

    async def comes_back(self, run: Run, left: Live, **about: Any) -> Live:
        """The reader of `left` comes back, from where it was where the profile resumes from a cursor."""
        had = self.shown(left)
        cursor = newest(self.profile, had) if resumes(self.profile) else None
        if cursor is None:
            about["after"] = len(had.history)
        elif any(map(self.is_terminal, had.seen)):
            about["after_terminal"] = True
        return await self.attach(run, "resumed", cursor=cursor, **about)

    async def _back_to(self, run: Run, cursor: Cursor, about: Mapping[str, Any]) -> Live:
        """Another piece of a stream that the server left off."""
        return await self.attach(run, "resumed", cursor=cursor, **about)

    async def asks(self, run: Run, cursor: Cursor, **about: Any) -> Live:
        """Request the stream of a run with a cursor that names no event; see `mode_of`."""
        role, meant = self.mode_of(cursor)
        return await self.attach(run, role, cursor=cursor, meant=meant, **about)

    def mode_of(self, cursor: Cursor) -> tuple[str, str]:
        """The role of who sends a cursor that names no event, and what a conforming candidate answers."""
        refused = gets(self.profile, cursor.origin) == "refused"
        return ("intruder", "refusal") if refused else ("resumed", "stream")

    async def comes_back_with_id(self, run: Run, left: Live, **about: Any) -> Live | None:
        """The same as an EventSource does it, with Last-Event-ID; None where it saw no id."""
        had = self.shown(left)
        ids = [one.id for one in had.seen if one.id is not None]
        if not ids:
            return None
        cursor = Cursor(ids[-1], "last-event-id", len(had.history))
        return await self.attach(run, "resumed", cursor=cursor, **about)

    # ------------------------------------------------------------------ other operations

    async def ask(
        self, operation: str, role: str, *, values: Mapping[str, str] | None = None, body: Any = None,
        meant: str = "answer", **about: Any,
    ) -> Live:  # fmt: skip
        """An operation that `values` fill in, such as a trigger; it has ended."""
        row = self.profile.operations[operation]
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        live = await self._sender.send(row, role, {"meant": meant, **about}, values=values, body=data)
        return await self.answer(live)

    async def errand(self, name: str, role: str, row: Mapping[str, Any]) -> Live:
        """A request of the target file that no profile knows, as the first account; it has ended."""
        return await errands.run(self._sender, name, role, row, self.bounds.answer_s)

    async def on_run(
        self, operation: str, run: Run, role: str, *, account: str = "primary", meant: str = "answer", **about: Any
    ) -> Live:
        """An operation on a run whose answer is not a stream, such as `record` or `cancel`; it has ended."""
        facts = {"meant": meant, "run": run.label, "run_id": run.id, "kind": run.kind, **about}
        live = await self._sender.send(
            self.profile.operations[operation], role, facts, account=account, run_id=run.id or ""
        )
        return await self.answer(live)

    async def get(self, operation: str, role: str, *, query: Mapping[str, str] | None = None, **about: Any) -> Live:
        """An operation that is on no run; it has ended."""
        account = about.pop("account", "primary")
        live = await self._sender.send(self.profile.operations[operation], role, about, account=account, query=query)
        return await self.answer(live)

    async def send_body(self, operation: str, role: str, body: bytes, **about: Any) -> Live:
        """An operation that takes a body and no credentials, such as a login; it has ended."""
        live = await self._sender.send(self.profile.operations[operation], role, about, account="missing", body=body)
        return await self.answer(live)

    async def answer(self, live: Live) -> Live:
        """Wait for the end of an answer that is not meant to be a stream."""
        await live.ended(self.bounds.answer_s)
        return live

    async def record(self, run: Run, role: str, **about: Any) -> Live | None:
        """The record of a run, where the system has records."""
        return await self.on_run("record", run, role, **about) if self.setting.has("record") else None

    async def tidy_up(self, run: Run) -> None:
        """Cancel a run that would go on for ever, where that is possible."""
        if run.id is not None and self.setting.has("cancel"):
            await self.on_run("cancel", run, "cancel")

    async def pause_ms(self, real_ms: float) -> None:
        """Let time pass: to spread readers over a run, or because the profile mandates a wait."""
        await pause(real_ms / 1000)


def _facts_of(cursor: Cursor | None) -> dict[str, Any]:
    """What an exchange is to tell of the cursor that it sends."""
    if cursor is None:
        return {}
    after = {} if cursor.after is None else {"after": cursor.after}
    return {"cursor": cursor.text, "cursor_from": cursor.origin, **after}
