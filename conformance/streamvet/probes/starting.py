"""Starts runs: the body, the script that the run performs, the rate limit of starts, and the id in the answer.

Must not know what a run is started for, nor how it is read, but where its stream is the answer to the start.
"""

from __future__ import annotations

import copy
import json
import uuid
from typing import TYPE_CHECKING, Any

from streamvet.probes import identity
from streamvet.probes.bounds import RATE_LIMIT_S, retry_s
from streamvet.probes.credentials import filled
from streamvet.probes.runs import Run
from streamvet.probes.sender import IDENTITY
from streamvet.recorder import pause

if TYPE_CHECKING:
    from streamvet.probes.bounds import Bounds
    from streamvet.probes.candidate import Candidate
    from streamvet.probes.sender import Sender
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.recorder import CutPlan, Tape


class Starter:
    """The starts of one try."""

    def __init__(
        self, candidate: Candidate, setting: Setting, tape: Tape, stimulus: Stimulus, *, sender: Sender, bounds: Bounds
    ) -> None:
        self._candidate = candidate
        self._setting = setting
        self._profile = setting.profile
        self._tape = tape
        self._stimulus = stimulus
        self._sender = sender
        self._bounds = bounds
        self._runs = 0

    def body_of(self, kind: str, ending: str | None = None) -> Any:
        """The body of a start by this try's stimulus, or of one that ends otherwise."""
        own = self._stimulus.get("body")
        named = self._stimulus.get("input") if ending is None or self._setting.scripted else ending
        given = self._setting.target.inputs.get(kind, {}).get(named or "succeeds")
        default = self._profile.operations[f"start:{kind}"].body
        if own is None and given is not None:
            return filled(given, {"uuid": str(uuid.uuid4())})
        return copy.deepcopy(own if own is not None else default)

    async def start(
        self,
        role: str = "reader",
        *,
        cut: CutPlan | None = None,
        stalls: bool = False,
        coding: str = IDENTITY,
        headers: tuple[tuple[str, str], ...] = (),
        body: Any = None,
        script: Any = None,
        ending: str | None = None,
        **about: Any,
    ) -> Run:
        """Start a run of the stimulus. Where the answer is a stream it has this role, else the role `start`.

        `body`, `script` and `ending` replace those of the stimulus.
        """
        kind = self._stimulus["kind"]
        operation = self._profile.operations[f"start:{kind}"]
        self._runs += 1
        run = Run(f"r{self._runs}", kind)
        scripted = await self._script_header(script, ending)
        if scripted is None:
            return run
        facts: dict[str, Any] = {"run": run.label, "kind": kind}
        facts |= {"meant": "stream", **about} if operation.streams else {}
        facts |= {"replica": about["replica"]} if "replica" in about else {}
        own = self.body_of(kind, ending) if body is None else body
        sent = None if own is None else json.dumps(own, ensure_ascii=False).encode()
        left_s, new = RATE_LIMIT_S, uuid.uuid4().hex
        while True:
            live = await self._sender.send(
                operation, role if operation.streams else "start", dict(facts), headers=scripted + headers, body=sent,
                cut=cut if operation.streams else None,
                stalls=stalls and operation.streams, coding=coding if operation.streams else IDENTITY,
                values={"new": new},
            )  # fmt: skip
            await (live.head if operation.streams else live.ended)(self._bounds.answer_s)
            again_s = retry_s(live.head_now)
            if again_s is None or again_s > left_s:
                break
            live.role = "limited"  # no fault of the candidate's: it says that we are too fast
            live.about["meant"] = "refusal"
            left_s -= again_s
            await pause(again_s)
        run.stream = live if operation.streams else None
        run.id = await identity.run_id(operation, live, new if operation.makes_id else "", self._bounds.answer_s)
        if run.id is not None:
            live.about["run_id"] = run.id
        elif self._profile.streams == "run" and live.head_now and live.head_now.status in operation.status:
            live.about["no_id"] = identity.place_in_words(operation)
        return run

    async def refused(self, case: str, body: bytes, account: str = "primary", role: str = "start-refused") -> None:
        """Ask for a run in a way that must be refused."""
        operation = self._profile.operations[f"start:{self._stimulus['kind']}"]
        about = {"meant": "refusal", "case": case, "kind": operation.kind}
        live = await self._sender.send(operation, role, about, account=account, body=body)
        await live.ended(self._bounds.answer_s)

    async def _script_header(self, steps: Any, ending: str | None) -> tuple[tuple[str, str], ...] | None:
        """What makes the run perform the stimulus's script; None where the candidate does not take it."""
        steps = self._stimulus.get("script") if steps is None else steps
        if steps is None:
            return ()
        outcome = ending or self._stimulus.get("outcome") or "succeeds"
        script = await self._candidate.script(steps, outcome, self._tape)
        return None if script is None else (("Streamvet-Script", script),)
