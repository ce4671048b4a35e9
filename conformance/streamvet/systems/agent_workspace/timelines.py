"""Timelines of a fleet: states of agent-workspace that follow each other, of runs and log lines as schemas let them.

Uses Hypothesis's choices. Must not know how a state is put, nor what a reader is shown of it.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from streamvet.generation import payloads
from streamvet.generation.dice import weighted
from streamvet.generation.shapes import resolved
from streamvet.systems.agent_workspace.probes.states import PROJECTS, Moment, time_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamvet.contract.profile import Profile
    from streamvet.generation.dice import Dice
    from streamvet.generation.shapes import Schema

Document = dict[str, Any]

_RUNS = weighted((3, 1), (3, 2), (2, 4), (1, 8))  # of each account, at first
_MOMENTS = weighted((1, 0), (3, 1), (3, 2), (2, 3), (1, 5))
# Between two states, at scale 1: at once, within a poll of 3 s, about one, more than one.
_GAPS_MS = weighted((2, 0), (2, 200), (2, 1500), (2, 2900), (1, 3100), (1, 5000))
_JOINS_MS = (500, 2900, 3100, 4500)
_PARTS = weighted((2, 0), (4, 1), (2, 2), (1, 4))  # jobs of a run, and what it is asked
_LINES = weighted((4, 1), (3, 2), (2, 7), (1, 55))  # at once; a poll tells 50 of a run
_CHANGES = weighted((4, "status"), (3, "job"), (2, "asked"), (2, "member"), (2, "ends"), (3, "begins"), (5, "says"))
_ACTIVE, _ENDS = "testing", ("completed", "failed")
_STATE_CHARS, _SHORT_CHARS = 200_000, 60  # a state is one line of a stream, of at most 1 MiB (TRN-08)
_ALL_RUNS = 40  # of one account: a snapshot has 50 at most


def timeline(dice: Dice, profile: Profile, accounts: Sequence[str]) -> tuple[list[Moment], float]:
    """The moments of a fleet, and when one more reader joins. At first each of the accounts has something to read."""
    fleet = _Fleet(dice, profile)
    for account in accounts:
        for _ in range(dice.of(_RUNS)):
            fleet.begin(dice.of(PROJECTS[account]))
        fleet.runs[-1]["status"] = _ACTIVE
        fleet.say(fleet.runs[-1])
    moments: list[Moment] = [fleet.moment(0)]
    fleet.lines = []  # whoever comes then has them: they are put once
    at_ms = 0
    for _ in range(dice.of(_MOMENTS)):
        at_ms += dice.of(_GAPS_MS)
        for _ in range(1 + dice.up_to(2)):
            fleet.change([project for account in accounts for project in PROJECTS[account]])
        moments.append(fleet.moment(at_ms))
    return moments, float(dice.of(_JOINS_MS))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return value[:_SHORT_CHARS] if isinstance(value, str) else value


class _Fleet:
    """The fleet while it is made up. No two runs have begun at the same time, and no two lines were logged then."""

    def __init__(self, dice: Dice, profile: Profile) -> None:
        self._dice = dice
        snapshot, logs = (
            profile.schemas.read(profile.narrow_file(kind) or "") for kind in ("fleet_snapshot", "fleet_logs")
        )
        self._run = resolved(snapshot["items"], snapshot), snapshot
        self._line = resolved(logs["items"], logs), logs
        self.runs: list[Document] = []
        self.lines: list[Document] = []
        self._count = 0

    def moment(self, at_ms: int) -> Moment:
        """What there is now; with shorter texts where that would be too much for one line."""
        if len(json.dumps([self.runs, self.lines])) > _STATE_CHARS:
            self.runs, self.lines = _shortened(self.runs), _shortened(self.lines)
        return {"at_ms": at_ms, "state": copy.deepcopy({"pipelines": self.runs, "logs": self.lines})}

    def begin(self, project: str) -> None:
        """One more run."""
        name = self._fresh("run")
        made = self._made(self._run)
        made |= {"id": name, "projectId": project, "startedAt": time_at(self._count)}
        made["status"] = self._status(self._run)
        made["jobs"] = [self._part(name, "jobs") for _ in range(self._dice.of(_PARTS))]
        made["pendingInterventions"] = [self._part(name, "pendingInterventions") for _ in range(self._dice.of(_PARTS))]
        self.runs.append(made)

    def say(self, run: Document) -> None:
        """Some log lines of a run."""
        for _ in range(self._dice.of(_LINES)):
            line = self._made(self._line)
            name = self._fresh("line")
            self.lines.append(line | {"id": name, "pipelineRunId": run["id"], "createdAt": time_at(self._count)})

    def change(self, projects: Sequence[str]) -> None:
        """Something else than before."""
        dice, how = self._dice, self._dice.of(_CHANGES)
        place = dice.up_to(len(self.runs) - 1)
        run = self.runs[place]
        if how == "says":
            self.say(run)
        elif how == "begins":
            if len(self.runs) < _ALL_RUNS:
                self.begin(dice.of(projects))
        else:
            self.runs[place] = run | self._changed(run, how)

    def _changed(self, run: Document, how: str) -> Document:
        dice = self._dice
        if how == "status":
            return {"status": self._status(self._run)}
        if how == "ends":
            return {"status": dice.of(_ENDS)}
        if how == "asked":
            asked = run["pendingInterventions"]
            return {"pendingInterventions": [*asked[dice.up_to(1) :], self._part(run["id"], "pendingInterventions")]}
        if how == "job" and run["jobs"]:
            place = dice.up_to(len(run["jobs"]) - 1)
            job = run["jobs"][place] | {"status": payloads.text(dice)}
            return {"jobs": [*run["jobs"][:place], job, *run["jobs"][place + 1 :]]}
        return {"triggerData": payloads.anything(dice)}

    def _status(self, schema: tuple[Schema, Schema]) -> Any:
        """A status with which a run is active, mostly."""
        return self._dice.of(_ENDS) if self._dice.once_in(8) else self._member(schema, "status") or _ACTIVE

    def _member(self, schema: tuple[Schema, Schema], key: str) -> Any:
        return payloads.value(self._dice, schema[0]["properties"][key], schema[1])

    def _made(self, schema: tuple[Schema, Schema]) -> Document:
        """A document with members that its schema allows, without the documents inside of it."""
        inner = ("jobs", "pendingInterventions")
        return {key: self._member(schema, key) for key in schema[0]["properties"] if key not in inner}

    def _part(self, run: str, key: str) -> Document:
        """A job of a run, or what it is asked, which is nothing that is resolved."""
        items = resolved(self._run[0]["properties"][key]["items"], self._run[1])
        made = self._made((items, self._run[1])) | {"id": self._fresh(key), "pipelineRunId": run}
        return made | ({"status": "pending"} if key == "pendingInterventions" else {})

    def _fresh(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count}"
