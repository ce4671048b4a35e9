"""Performs the profile's operations for one try, and records them with their roles.

Knows how a request is made, and what is said about it in the trace; must not know what a requirement is. A candidate
that misbehaves gives a run without an id or a stream that ends early, never an exception.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
import re
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import EVENT_ID, matches, pointed
from streamvet.probes.bounds import RATE_LIMIT_S, bounds_of, patience_s, retry_s
from streamvet.probes.runs import Cursor, Run
from streamvet.probes.sender import Sender
from streamvet.recorder import pause
from streamvet.trace import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.contract.profile import Operation
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import CutPlan, Live, Seen, Tape


# The label of what an ambient stream is of, where a run has its own.
AMBIENT = "ambient"
DELIVER_MS = 1000  # where the profile says nothing: a second is what people take for at once
_PATIENT = 5  # times that patience, while bytes keep coming; heartbeats come for ever
# Cursors that have to be refused: those that the profile gives, and the one behind the newest event.
WRONG_CURSORS = ("malformed", "unknown", "future")
_WHOLE = re.compile(r"[0-9]{1,18}")
_ID = "/id"  # where a push, of which no profile has to say it, may have an id
_SETTLED_S = 0.3  # of silence: then who came later has the last of several events that are alike
_MORE_S = 0.03  # behind the last event of a script: for one that comes twice to be seen


class Driver:
    """The operations of one try."""

    def __init__(self, candidate: Candidate, setting: Setting, tape: Tape, stimulus: Stimulus) -> None:
        self.candidate = candidate
        self.setting = setting
        self.profile = setting.profile
        self.tape = tape
        self.stimulus = stimulus
        self.bounds = bounds_of(self.profile, setting.scale, stimulus.get("script", []))
        self.random = random.Random(  # noqa: S311 - not for secrets
            f"{setting.seed}/{stimulus['name']}/{stimulus.get('kind')}/{stimulus.get('part', 0)}"
        )
        self._sender = Sender(candidate, tape, self.bounds.answer_s)
        self._runs = 0

    async def can_be(self, account: str) -> bool:
        """Whether there are working credentials for this account."""
        return bool(await self.candidate.credential(account, self.tape))

    # ------------------------------------------------------------------ starting

    def body_of(self, kind: str, ending: str | None = None) -> Any:
        """The body of a start by this try's stimulus, or of one that ends otherwise."""
        own = self.stimulus.get("body")
        named = self.stimulus.get("input") if ending is None or self.setting.scripted else ending
        given = self.setting.target.inputs.get(kind, {}).get(named or "succeeds")
        default = self.profile.operations[f"start:{kind}"].body
        return copy.deepcopy(own if own is not None else given if given is not None else default)

    async def start(
        self,
        role: str = "reader",
        *,
        cut: CutPlan | None = None,
        stalls: bool = False,
        gzip: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
        body: Any = None,
        script: Any = None,
        ending: str | None = None,
        **about: Any,
    ) -> Run:
        """Start a run of the stimulus. Where the answer is a stream it has this role, else the role `start`.

        `body`, `script` and `ending` replace those of the stimulus.
        """
        kind = self.stimulus["kind"]
        operation = self.profile.operations[f"start:{kind}"]
        self._runs += 1
        run = Run(f"r{self._runs}", kind)
        scripted = await self._script_header(script, ending)
        if scripted is None:
            return run
        facts = {"run": run.label, "kind": kind}
        facts |= {"meant": "stream", **about} if operation.streams else {}
        sent = json.dumps(self.body_of(kind, ending) if body is None else body, ensure_ascii=False).encode()
        left_s = RATE_LIMIT_S
        while True:
            live = await self._sender.send(
                operation, role if operation.streams else "start", dict(facts), headers=scripted + headers, body=sent,
                cut=cut if operation.streams else None,
                stalls=stalls and operation.streams, gzip=gzip and operation.streams,
            )  # fmt: skip
            await (live.head if operation.streams else live.ended)(self.bounds.answer_s)
            again_s = retry_s(live.head_now)
            if again_s is None or again_s > left_s:
                break
            live.role = "limited"  # no fault of the candidate's: it says that we are too fast
            live.about["meant"] = "refusal"
            left_s -= again_s
            await pause(again_s)
        run.stream = live if operation.streams else None
        run.id = self._run_id(operation, live)
        if run.id is not None:
            live.about["run_id"] = run.id
        elif self.profile.streams == "run" and live.head_now and live.head_now.status in operation.status:
            live.about["no_id"] = _id_place(operation)
        return run

    async def _script_header(self, steps: Any, ending: str | None) -> tuple[tuple[str, str], ...] | None:
        """What makes the run perform the stimulus's script; None where the candidate does not take it."""
        steps = self.stimulus.get("script") if steps is None else steps
        if steps is None:
            return ()
        outcome = ending or self.stimulus.get("outcome") or "succeeds"
        script = await self.candidate.script(steps, outcome, self.tape)
        return None if script is None else (("Streamvet-Script", script),)

    def _run_id(self, operation: Operation, live: Live) -> str | None:
        if live.head_now is None or live.head_now.status not in operation.status:
            return None
        where = operation.raw.get("run_id", {})
        if "header" in where:
            found: Any = live.head_now.get(where["header"]) or None
        else:
            found = pointed(live.json(), where.get("pointer", _ID))
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None

    async def begin(self, role: str = "reader", *, ending: str | None = None, **more: Any) -> tuple[Run, Live | None]:
        """Start a run and read it from its beginning, whichever way the system has for that."""
        run = await self.start(role, ending=ending, **more)
        if self.profile.streams == "push":
            return run, run.stream  # whatever its answer is: nobody can ask for it again
        if run.id is None:
            return run, None
        return run, run.stream or await self.attach(run, role, **more)

    async def start_refused(
        self, case: str, body: bytes, account: str = "primary", role: str = "start-refused"
    ) -> None:
        """Ask for a run in a way that must be refused."""
        operation = self.profile.operations[f"start:{self.stimulus['kind']}"]
        about = {"meant": "refusal", "case": case, "kind": operation.kind}
        live = await self._sender.send(operation, role, about, account=account, body=body)
        await self.answer(live)

    # ------------------------------------------------------------------ streams

    async def attach(
        self, run: Run, role: str, *, account: str = "primary", cursor: Cursor | None = None, meant: str = "stream",
        cut: CutPlan | None = None, stalls: bool = False, gzip: bool = False, **about: Any,
    ) -> Live:  # fmt: skip
        """Request the stream of a run; with a cursor, from there on."""
        operation = self.profile.operations["attach"]
        facts: dict[str, Any] = {"meant": meant, "run": run.label, "run_id": run.id, "kind": run.kind, **about}
        values: dict[str, str] = {}
        headers: tuple[tuple[str, str], ...] = ()
        if cursor:
            facts |= {"cursor": cursor.text, "cursor_from": cursor.origin}
            if cursor.after is not None:
                facts["after"] = cursor.after
            if cursor.origin == "last-event-id":
                headers = (("Last-Event-ID", cursor.text),)
            else:
                operation = self.profile.operations.get("resume", operation)
                values = {"cursor": cursor.text}
        return await self._sender.send(
            operation, role, facts, account=account, run_id=run.id or "", values=values, headers=headers,
            cut=cut, stalls=stalls, gzip=gzip,
        )  # fmt: skip

    async def listen(
        self, role: str = "reader", *, account: str = "primary", meant: str = "stream", accept: str | None = None,
        headers: tuple[tuple[str, str], ...] = (), path: str | None = None, cut: CutPlan | None = None,
        stalls: bool = False, gzip: bool = False, **about: Any,
    ) -> Live:  # fmt: skip
        """Request the ambient stream; the head has come, or none comes."""
        facts: dict[str, Any] = {"meant": meant, "run": AMBIENT, **about}
        if accept is not None:
            facts["accept"] = accept
        live = await self._sender.send(
            self.profile.operations["attach"], role, facts, account=account, headers=headers, accept=accept,
            path=path, cut=cut, stalls=stalls, gzip=gzip,
        )  # fmt: skip
        await live.head(self.bounds.answer_s)
        return live

    async def publish(self, emits: Sequence[Any], **about: Any) -> Live:
        """Make an ambient candidate emit these, in this order, now."""
        return await self.candidate.control({"do": "publish", "events": list(emits)}, self.tape, **about)

    async def put_state(self, state: Mapping[str, Any], **about: Any) -> Live:
        """Give an ambient candidate this state; a key that is given replaces what was there."""
        return await self.candidate.control({"do": "state", "state": dict(state)}, self.tape, **about)

    async def make_fail(self, what: str, times: int = 1, **about: Any) -> Live:
        """Make the next `times` of something fail inside the candidate."""
        return await self.candidate.control({"do": "fail", "what": what, "times": times}, self.tape, **about)

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
            await pause(float(step["wait_ms"]) * self.setting.scale / 1000)

    async def have_all(self, readers: Sequence[Live], emits: Sequence[Mapping[str, Any]]) -> None:
        """Wait until each of the readers of an ambient stream has the last of the events that were published; cut it.

        Where the last one is like others of them, who was there from the beginning has to have as many; who came later
        has it when nothing comes any more.
        """
        due_us, quiet_s = self.tape.now_us() + self._deliver_ms * 1000, patience_s(self._deliver_ms)
        name, value = self.profile.said(emits[-1])

        def is_like(other: Any) -> bool:
            return isinstance(other, dict) and all(other.get(key) == value[key] for key in value)

        copies = sum(other == name and is_like(said) for other, said in map(self.profile.said, emits))

        async def has(one: Live) -> None:
            count = 0

            def counted(seen: Seen) -> bool:
                nonlocal count
                count += is_like(seen.value) and (not name or seen.kind == self.profile.kind_of(value, name))
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
        return int(self.profile.field("readers.deliver_within_ms") or DELIVER_MS)

    async def ask(
        self, operation: str, role: str, *, values: Mapping[str, str] | None = None, body: Any = None,
        meant: str = "answer", **about: Any,
    ) -> Live:  # fmt: skip
        """An operation that `values` fill in, such as a trigger; it has ended."""
        row = self.profile.operations[operation]
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        live = await self._sender.send(row, role, {"meant": meant, **about}, values=values, body=data)
        return await self.answer(live)

    async def request(self, operation: Operation, role: str, body: bytes | None) -> Live:
        """A request that no profile knows, as the first account; it has ended."""
        return await self.answer(await self._sender.send(operation, role, {}, body=body))

    async def comes_back(self, run: Run, left: Live, **about: Any) -> Live:
        """The reader of `left` comes back, from where it was where the profile resumes from a cursor."""
        after = len(left.history)
        cursor = self.cursor_at(left.history[-1], after) if after and self.resumes else None
        if cursor is None:
            about["after"] = after
        elif any(map(self.is_terminal, left.seen)):
            about["after_terminal"] = True
        return await self.attach(run, "resumed", cursor=cursor, **about)

    async def comes_back_with_id(self, run: Run, left: Live, **about: Any) -> Live | None:
        """The same as an EventSource does it, with Last-Event-ID; None where it saw no id."""
        ids = [one.id for one in left.seen if one.id is not None]
        if not ids:
            return None
        cursor = Cursor(ids[-1], "last-event-id", len(left.history))
        return await self.attach(run, "resumed", cursor=cursor, **about)

    @property
    def resumes(self) -> bool:
        """Whether the system resumes from a cursor."""
        return self.profile.field("catchup.kind") == "from-cursor" and "resume" in self.profile.operations

    def cursor_at(self, event: Seen, after: int) -> Cursor | None:
        """The cursor that an event of a stream gives, None where it has none."""
        pointer = self.profile.field("catchup.cursor.pointer") or ""
        value = event.id if pointer == EVENT_ID else pointed(event.value, pointer)
        if value is None:
            return None
        return Cursor(value if isinstance(value, str) else json.dumps(value), "seen", after)

    def cursor_behind(self, history: Sequence[Seen]) -> Cursor | None:
        """The cursor that an event behind the newest one would give; None where cursors are no whole numbers."""
        newest = self.cursor_at(history[-1], len(history)) if history else None
        number = _WHOLE.fullmatch(newest.text) if newest else None
        return Cursor(str(int(number.group()) + 1), "unknown") if number else None

    def wrong_cursor(self, origin: str, history: Sequence[Seen]) -> Cursor | None:
        """One of WRONG_CURSORS for a run that has ended with this history; None where the profile knows of none."""
        rule = self.profile.field("catchup.cursor") or {}
        if origin == "future":
            return self.cursor_behind(history) if rule else None
        return Cursor(str(rule[origin]), origin) if origin in rule else None

    # ------------------------------------------------------------------ waits on streams

    def is_terminal(self, event: Seen) -> bool:
        """Whether an event ends its run."""
        terminal = self.profile.terminal
        return terminal is not None and event.kind is not None and matches(event.kind, terminal.events)

    async def has_begun(self, live: Live) -> bool:
        """Whether a stream has its head, and the first event where the profile says that there is one at once."""
        if await live.head(self.bounds.answer_s) is None:
            return False
        first = self.profile.field("catchup.first")
        if not first:
            return True
        return await live.until(lambda _event: True, patience_s(first["within_ms"]), "the first event") is not None

    async def sees_some(self, live: Live, count: int) -> bool:
        """Wait for so many events of any kind, no longer than for an answer; the stream goes on either way."""
        try:
            async with asyncio.timeout(self.bounds.answer_s):
                return await live.until(lambda _seen: len(live.seen) >= count, self.bounds.run_s) is not None
        except TimeoutError:
            return False

    async def terminal(self, live: Live, within_s: float | None = None) -> bool:
        """Wait until a reader has seen that the run has ended."""
        if within_s is not None or self.stimulus.get("script") is not None:
            limit_s = self.bounds.run_s if within_s is None else within_s
            return await live.until(self.is_terminal, limit_s, "the terminal event") is not None
        # Nobody knows how long a run takes that is not told what to do; but not each of them is waited for in vain.
        patience, name = self.candidate.endings, f"{self.stimulus.get('kind')}: {self.stimulus.get('input')}"
        over = await live.until(self.is_terminal, patience.seconds(name, self.bounds.run_s), "the terminal event")
        if over is None and live.ending is Ending.TIMED_OUT:
            patience.missed(name)
        elif over is not None:
            patience.came(name)
        return over is not None

    async def to_end(self, live: Live, within_s: float | None = None) -> bool:
        """Read a stream to its end; gives whether it had the terminal event."""
        seen = await self.terminal(live, within_s)
        await live.ended(self.bounds.close_s)
        return seen

    async def observe(self, live: Live, for_s: float) -> None:
        """Look at a stream for so long from its head, then leave it."""
        if await live.head(self.bounds.answer_s) is not None and not await live.over(for_s):
            await live.cut("observed for long enough")

    # ------------------------------------------------------------------ other operations

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


def _id_place(operation: Operation) -> str:
    """Where the answer to a start has the id of the run."""
    where = operation.raw.get("run_id", {})
    return str(where.get("pointer") or f"the field {where.get('header')}")
