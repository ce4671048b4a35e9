"""The checks of agent-workspace against a candidate that is played here: it is right, whenever its polls fall.

States are put at some moment between a request and its answer, polls fall anywhere and take their time, streams are
closed early. None of that is a finding; and left alone to the end, every requirement of a fleet is exercised.
"""

from __future__ import annotations

import json
import random
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.generation.batches import batch
from streamvet.generation.dice import made_with
from streamvet.outcome import NotExercised
from streamvet.systems import judge_of
from streamvet.systems.agent_workspace.checks.shown import ACTIVE, fingerprint
from streamvet.systems.agent_workspace.probes import states
from streamvet.systems.agent_workspace.timelines import timeline as timelines
from streamvet.trace import Ending, Exchange, Head, Late, Request, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamvet.outcome import Outcome

PROFILE, REGISTRY = load_profile("agent-workspace"), load_registry()
SCALE, TAG = 0.05, "7f-"
POLL_US, SLACK_US = 150_000, 100_000
SEAM_US = 20_000  # what one that looks twice needs for it
LOADED_US = 60_000  # by then the first two streams have their first batch
RUNS, LOGS, FIRST_LOGS = 50, 50, 300
OF_FLEET = {*(f"FLT-{number:02}" for number in range(1, 14)), "FLT-18"}
HEADERS = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))

SCENES, PROJECTS = states.scenes(), states.PROJECTS

Document = dict[str, Any]
Told = tuple[str, list[Document]]


def _same(document: Document) -> Document:
    return document


def _is_pending(asked: Document) -> bool:
    return bool(asked["status"] == "pending")


def _any_line(_line: Document) -> bool:
    return True


@dataclass(slots=True)
class View:
    """One connection of a candidate that does what its description says, but for one bug that it may be given."""

    projects: list[str]
    pending: Callable[[Document], bool] = _is_pending
    printed: Callable[[Document], Any] = fingerprint
    run: Callable[[Document], Document] = _same  # what a poll makes of a run, and of a line
    line: Callable[[Document], Document] = _same
    told_lines: Callable[[Document], bool] = _any_line
    forgets: bool = True  # what it has told of a run that is shown no more
    looks_twice: bool = False  # at the first state
    time_for_cursor: bool = False
    announces: bool = True  # a run that was not there at first
    beats_alone: bool = False  # every fifth poll has a heartbeat in the place of log lines
    told: dict[str, Any] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)
    polls: int = 0

    def visible(self, state: Document) -> dict[str, Document]:
        """The runs that it shows."""
        runs = (r | {"pendingInterventions": [*filter(self.pending, r["pendingInterventions"])]}
                for r in state["pipelines"])  # fmt: skip
        mine = [r for r in runs if r["projectId"] in self.projects and r["status"] in ACTIVE]
        return {r["id"]: r for r in sorted(mine, key=lambda r: r["startedAt"] or "", reverse=True)[:RUNS]}

    def load(self, state: Document, later: Document) -> list[Told]:
        """What it begins with; what is put a little later is for the first poll."""
        runs = self.visible(state)
        known = later if self.looks_twice else state
        self.told = {name: self.printed(run) for name, run in self.visible(known).items()}
        self.lines = {line["id"] for line in known["logs"]}
        there = [line for line in state["logs"] if line["pipelineRunId"] in runs]
        newest = sorted(there, key=lambda line: line["createdAt"])[-FIRST_LOGS:]
        return [("fleet_snapshot", list(runs.values())), *([("fleet_logs", newest)] if newest else [])]

    def poll(self, state: Document) -> list[Told]:
        """What is new in a later state."""
        self.polls += 1
        runs = self.visible(state)
        prints = {name: self.printed(run) for name, run in runs.items()}
        known = runs if self.announces else self.told
        changed = [self.run(run) for name, run in runs.items() if name in known and self.told.get(name) != prints[name]]
        self.told = prints if self.forgets else self.told | prints
        lines: list[Document] = []
        for run in runs:
            new = [line for line in state["logs"] if line["pipelineRunId"] == run and line["id"] not in self.lines]
            lines += sorted(new, key=lambda line: line["createdAt"])[:LOGS]
        self.lines |= {line["id"] for line in lines}
        if self.time_for_cursor:
            newest = {line["pipelineRunId"]: line["createdAt"] for line in lines}
            over = (line for line in state["logs"] if line["createdAt"] <= newest.get(line["pipelineRunId"], ""))
            self.lines |= {line["id"] for line in over}
        silent = self.beats_alone and self.polls % 5 == 0
        told = [] if silent else [self.line(line) for line in lines if self.told_lines(line)]
        return [(kind, rows) for kind, rows in (("fleet_update", changed), ("fleet_logs", told)) if rows]


@dataclass(frozen=True, slots=True)
class Play:
    """All that chance decides in one try. Times are µs."""

    puts: Sequence[tuple[int, int, int]]  # for each moment: sent, in force, answered
    delay: Callable[[], int]  # from what is seen to its arrival
    timeline: Sequence[Any]
    bug: Mapping[str, Any]

    def state_at(self, at_us: int) -> Document:
        """What is in force."""
        state: Document = {}
        for row, (_, since_us, _) in zip(self.timeline, self.puts, strict=True):
            if since_us <= at_us:
                state |= row["state"]
        return state

    def stream(self, name: str, account: str, *, role: str, sent_us: int, phase_us: int, end_us: int) -> Exchange:
        """The stream of one connection, whose first poll falls `phase_us` behind its snapshot."""
        view = View(PROJECTS[account], **self.bug)
        seen_us = sent_us + 1000
        body, ends, times = b"", array("q"), array("q")
        found = view.load(self.state_at(seen_us), self.state_at(seen_us + SEAM_US))
        next_us = seen_us + phase_us
        while True:
            at_us = seen_us + self.delay()
            for kind, rows in found:
                data = json.dumps(states.tagged(rows, TAG), ensure_ascii=False)
                body += f"event: {kind}\ndata: {data}\n\n".encode()
                ends.append(len(body))
                times.append(at_us)
            seen_us, next_us = next_us, next_us + POLL_US
            if seen_us >= end_us - SLACK_US // 2:
                break
            found = view.poll(self.state_at(seen_us))
        return Exchange(
            name, "attach", role, {"meant": "stream", "account": account, "run": "ambient"},
            Request("GET", "http://127.0.0.1/", (), None), sent_us, Head(200, "HTTP/1.1", HEADERS, sent_us + 500),
            body, ends, times, Ending.CUT, end_us,
        )  # fmt: skip

    def put(self, number: int) -> Exchange:
        """The request that put a moment."""
        sent_us, _, done_us = self.puts[number]
        return Exchange(
            f"p{number}", "control", "control", {"meant": "answer", "moment": number, "tag": TAG},
            Request("POST", "http://127.0.0.1/", (), "…"), sent_us, Head(200, "HTTP/1.1", (), done_us),
            b"{}", array("q", [2]), array("q", [done_us]), Ending.COMPLETE, done_us,
        )  # fmt: skip


NO_BUG: Mapping[str, Any] = {}
Joining = tuple[str, str, str, int]  # name, account, role, when


def played(
    seed: int,
    end_us: int = 1_200_000,
    timeline: Sequence[Any] = SCENES,
    bug: Mapping[str, Any] = NO_BUG,
    joining: Sequence[Joining] = (),
    *,
    in_step: bool = False,
) -> Trace:
    """A try of all scenes, or of another timeline; with the readers of the scenes, or with these.

    `in_step`: the first poll is a poll's time behind the snapshot.
    """
    chance = random.Random(seed)
    puts: list[tuple[int, int, int]] = []
    now_us = 0
    for row in timeline:
        sent_us = max(now_us, LOADED_US + int(row["at_ms"] * SCALE * 1000) if puts else 0)
        now_us = sent_us + chance.randint(500, 9000)
        puts.append((sent_us, chance.randint(sent_us, now_us), now_us))
    play = Play(puts, lambda: chance.randint(500, 40_000), timeline, bug)
    begin_us = puts[0][2] + 10
    late_us = chance.randint(begin_us, 600_000)
    joining = joining or [
        ("x1", "primary", "reader", begin_us),
        ("x2", "other", "reader", begin_us),
        ("x3", "primary", "late", late_us),
    ]
    streams = [
        play.stream(
            name, account, role=role, sent_us=sent_us, end_us=end_us,
            phase_us=POLL_US if in_step else chance.randint(1, POLL_US),
        )
        for name, account, role, sent_us in joining
        if sent_us < end_us
    ]  # fmt: skip
    exchanges = sorted([*streams, *(play.put(n) for n in range(len(puts)))], key=lambda x: x.sent_us)
    stimulus = {"name": "played", "projects": PROJECTS, "timeline": timeline}
    return Trace("scenes", stimulus, tuple(exchanges), PROFILE.name, PROFILE.digest, REGISTRY.revision, SCALE)


def beside_changes(seed: int, bug: Mapping[str, Any] = NO_BUG, *, in_step: bool = False) -> Trace:
    """A try of readers that join while states are put."""
    readers: list[Joining] = [(f"x{n}", "primary", "late", 20_000 + n * 5_000) for n in range(20)]
    return played(seed, 600_000, states.joined(), bug, readers, in_step=in_step)


def judged(trace: Trace) -> dict[str, Outcome]:
    bench = judge_of(PROFILE)
    outcomes = bench.add(trace)
    assert bench.errors == []
    return {row: outcome for row, outcome in outcomes.items() if row in OF_FLEET}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_right_is_right_whenever_polls_fall(seed: int) -> None:
    found = judged(played(seed))
    assert {row: outcome for row, outcome in found.items() if outcome != []} == {}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_right_is_right_whenever_readers_join(seed: int) -> None:
    found = judged(beside_changes(seed))
    assert {row: found[row] for row in ("FLT-02", "FLT-04", "FLT-08")} == {"FLT-02": [], "FLT-04": [], "FLT-08": []}
    assert {row: outcome for row, outcome in found.items() if isinstance(outcome, list) and outcome} == {}


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_that_ends_early_has_missed_nothing(seed: int) -> None:
    """Also one that ends between a change and the poll that would have told it."""
    found = judged(played(seed, 200_000 + 50_000 * seed))
    assert {row: outcome for row, outcome in found.items() if isinstance(outcome, list) and outcome} == {}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_right_is_right_whatever_happens_to_the_fleet(seed: int) -> None:
    """Changes that are taken back before a poll sees them, too."""
    for moments, _late_ms in batch(made_with(lambda dice: timelines(dice, PROFILE, list(PROJECTS))), seed, 0, 10):
        found = judged(played(seed, 1_600_000, moments))
        assert {row: outcome for row, outcome in found.items() if isinstance(outcome, list) and outcome} == {}


@pytest.mark.parametrize("seed", range(20))
def test_what_comes_back_between_two_polls_need_not_be_told(seed: int) -> None:
    first = states.bursts()[0]
    run = first["state"]["pipelines"][0]
    other = {**first["state"], "pipelines": [{**run, "status": "releasing"}, *first["state"]["pipelines"][1:]]}
    moments = [first, {"at_ms": 3100, "state": other}, {"at_ms": 4600, "state": first["state"]}]
    assert isinstance(judged(played(seed, timeline=moments))["FLT-04"], NotExercised)


# ------------------------------------------------------------------------------------------------ one bug each


def _nameless(run: Document) -> Any:
    """A fingerprint in which jobs have no names."""
    return run["status"], sorted(job["status"] for job in run["jobs"]), len(run["pendingInterventions"])


def _few_jobs(run: Document) -> Document:
    return run | {"jobs": run["jobs"][:20]}


def _short(line: Document) -> Document:
    return line | {"message": line["message"][:2000]}


def _torn(line: Document) -> Document:
    """A line whose octets were decoded 4,096 at a time."""
    octets = line["message"].encode()
    pieces = (octets[at : at + 4096] for at in range(0, len(octets), 4096))
    return line | {"message": "".join(piece.decode(errors="replace") for piece in pieces)}


# What is wrong, and the requirement that says so.
BUGS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("what is resolved is shown", {"pending": lambda _asked: True}, "FLT-02"),
    ("a run that comes back is not told", {"forgets": False}, "FLT-04"),
    ("jobs have no names", {"printed": _nameless}, "FLT-04"),
    ("twenty jobs", {"run": _few_jobs}, "FLT-04"),
    ("the poll of the heartbeat has no lines", {"beats_alone": True}, "FLT-08"),
    ("a time for a cursor", {"time_for_cursor": True}, "FLT-18"),
    ("no thinking", {"told_lines": lambda line: line["level"] != "thinking"}, "FLT-08"),
    ("no lines of what has begun", {"told_lines": lambda line: line["pipelineRunId"] != "begun"}, "FLT-08"),
    ("two thousand characters", {"line": _short}, "FLT-08"),
    ("torn characters", {"line": _torn}, "FLT-08"),
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("bug", "row"), [one[1:] for one in BUGS], ids=[one[0] for one in BUGS])
def test_one_bug_is_found(bug: dict[str, Any], row: str, seed: int) -> None:
    outcome = judged(played(seed, bug=bug, in_step=True))[row]
    assert isinstance(outcome, list)
    assert outcome


@pytest.mark.parametrize("seed", range(10))
def test_a_second_look_is_found(seed: int) -> None:
    found = judged(beside_changes(seed, {"looks_twice": True}, in_step=True))
    assert {row for row, outcome in found.items() if isinstance(outcome, list) and outcome} == {"FLT-04", "FLT-08"}


# ------------------------------------------------------------------------------------------ where the suite was late

BEGUN = {"at_ms": 500, "state": {"pipelines": [
    *SCENES[0]["state"]["pipelines"], {**SCENES[0]["state"]["pipelines"][0], "id": "begun"},
]}}  # fmt: skip
BEGINS = [SCENES[0], BEGUN]
LONG_US, SHORT_US = 1_400_000, 600_000  # polls enough to know that something never comes, and too few


def late_suite(end_us: int, bug: Mapping[str, Any]) -> Outcome:
    """FLT-04 where a run begins, and the suite was late."""
    trace = played(1, end_us, BEGINS, bug, [("x1", "primary", "reader", LOADED_US - 20_000)], in_step=True)
    return judged(replace(trace, late=(Late(LOADED_US, SLACK_US),)))["FLT-04"]


def test_a_run_that_is_never_told_is_missed_however_late_the_suite_was() -> None:
    outcome = late_suite(LONG_US, {"announces": False})
    assert isinstance(outcome, list)
    assert [one.seen for one in outcome] == ["none"]
    assert late_suite(LONG_US, NO_BUG) == []


def test_a_change_that_was_due_and_not_seen_is_not_made_up_for() -> None:
    overlooked = late_suite(SHORT_US, {"announces": False})
    assert overlooked == NotExercised("harness late by 100 ms", due=True)


# ------------------------------------------------------------------------------------------ changed by the user alone

DONE_US, DUE_US = 40_000, 40_000 + POLL_US + SLACK_US
UPDATE = b'event: fleet_update\ndata: [{"id":"r","projectId":"p","projectName":"P","status":"testing","startedAt":null,"trigger":"t","triggerData":null,"jobs":[],"pendingInterventions":[]}]\n\n'  # noqa: E501
SNAPSHOT = b"event: fleet_snapshot\ndata: []\n\n"


def triggered(told_us: int | None, ended_us: int, late_us: int = 0, **deed: Any) -> Outcome:
    """FLT-04 of a stream on which a trigger was begun at 30 ms and done at 40 ms, and told at some time."""
    pieces = [(5_000, SNAPSHOT), *([(told_us, UPDATE)] if told_us is not None else [])]
    ends = array("q", [sum(len(data) for _, data in pieces[: n + 1]) for n in range(len(pieces))])
    about: dict[str, Any] = {"meant": "stream", "run": "ambient", "account": "primary"}
    about["triggered"] = {"name": "change", "at_us": 30_000, "done_us": DONE_US, **deed}
    one = Exchange(
        id="x1", operation="attach", role="reader", about=about, request=Request("GET", "http://x/", (), None),
        sent_us=0, head=Head(200, "HTTP/1.1", HEADERS, 2_000), body=b"".join(data for _, data in pieces), ends=ends,
        times=array("q", [at for at, _ in pieces]), ending=Ending.CUT, ended_us=ended_us,
    )  # fmt: skip
    late = (Late(DONE_US, late_us),)
    trace = Trace(
        "triggered", {"name": "change"}, (one,), PROFILE.name, PROFILE.digest, REGISTRY.revision, SCALE,
        late=late,
    )  # fmt: skip
    return judged(trace)["FLT-04"]


@pytest.mark.parametrize(
    ("told_us", "ended_us", "late_us", "seen"),
    [
        (DUE_US, DUE_US, 0, None),
        (35_000, DUE_US, 0, None),
        (DUE_US + 1_000, DUE_US + 2_000, 0, "one after 251 ms"),
        (None, DUE_US, 0, "none"),
        (29_000, DUE_US, 0, "none"),  # what was told before it was begun is not about it
        (DUE_US + 1_000, DUE_US + 2_000, 1_000, None),
    ],
)
def test_what_the_user_changes_is_told_in_time(told_us: int, ended_us: int, late_us: int, seen: str | None) -> None:
    outcome = triggered(told_us, ended_us, late_us)
    assert isinstance(outcome, list)
    assert [one.seen for one in outcome] == ([] if seen is None else [seen])


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (triggered(None, DUE_US - 1), "no stream was open for long enough after the trigger"),
        (triggered(None, DUE_US, failed="'x' exited with 1"), "the trigger change failed: 'x' exited with 1"),
    ],
)
def test_what_cannot_be_known_of_a_trigger_is_no_finding(outcome: Outcome, reason: str) -> None:
    assert outcome == NotExercised(reason)


LATE_US = SLACK_US // 4 + 1000
NEVER_US = DUE_US + 2 * LATE_US + 3 * POLL_US


def test_what_cannot_be_known_as_the_suite_was_late_was_due() -> None:
    overlooked = NotExercised("harness late by 26 ms", due=True)
    assert triggered(None, NEVER_US - 1, LATE_US) == overlooked
    assert triggered(DUE_US + 2 * LATE_US, NEVER_US * 2, LATE_US) == overlooked


def test_what_never_comes_is_missed_however_late_the_suite_was() -> None:
    outcome = triggered(None, NEVER_US, LATE_US)
    assert isinstance(outcome, list)
    assert [one.seen for one in outcome] == ["none"]


def test_the_bound_on_what_a_trigger_brings_about_is_that_on_every_change() -> None:
    assert PROFILE.field("triggers.change.within_ms") == PROFILE.field("figures.change_within_ms")
