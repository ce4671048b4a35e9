"""FLT-19 and FLT-20: what one poll tells in which order, and the log lines that a stream begins with.

Must not know how the states of a fleet were put (`recorded` does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.outcome import finding, shown
from streamvet.systems.agent_workspace.checks.logs import there_at_first
from streamvet.systems.agent_workspace.checks.recorded import Judged, of_fleet
from streamvet.systems.agent_workspace.checks.shown import LOGS, UPDATE, span

if TYPE_CHECKING:
    from streamvet.outcome import Check, Finding
    from streamvet.systems.agent_workspace.checks.shown import Connection, Fleet, Row, State


def updates_first(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-19: of what was put at once, so that one poll has seen both the change and the line."""
    found, exercised = [], False
    behind = set[str]()  # runs of which a change came late or never: FLT-04 says so, and what comes next is of that
    for state, name in fleet.changes(one):
        change, line = _change(fleet, one, state, name), _line(fleet, one, state)
        if change is None or change.event.at_us > fleet.due_us(one, state.done_us):
            behind.add(name)
        if change is None or line is None or name in behind:
            continue
        exercised = True
        if line.event.start < change.event.start:
            want = f"{UPDATE} with the run {shown(name)} before {LOGS}: both changed at once"
            found.append(finding(one.exchange, want, f"{LOGS} with {shown(line.id)} before it", span(line.event)))
            break
    return found if exercised else None


def _change(fleet: Fleet, one: Connection, state: State, name: str) -> Row | None:
    """The first entry of an update that shows a run as it is in a state."""
    rows = (row for row in one.updated if row.id == name and row.event.at_us >= state.sent_us)
    return next((row for row in rows if state in fleet.showing(one, row)), None)


def _line(fleet: Fleet, one: Connection, state: State) -> Row | None:
    """The first log line that came with a state, of a run that is shown."""
    visible = fleet.visible(state, one)
    lines = (row for row in one.lines if row.id in state.new and row.event is not one.first_batch)
    return next((row for row in lines if row.document["pipelineRunId"] in visible), None)


def begins_with_lines(fleet: Fleet, one: Connection) -> Judged:
    """FLT-20: where all that there are fit into the first batch."""
    there = there_at_first(fleet, one)
    if not there or len(there) > fleet.figures.first_logs:
        return None
    came = {row.id for row in one.lines}
    missing = [line["id"] for line in there if line["id"] not in came]
    if not missing:
        return []
    due_us = fleet.due_us(one, one.since_us)
    if not fleet.has_missed(one, due_us):
        return fleet.overlooks(one, due_us)
    want = f"the {len(there)} log lines, within {(due_us - one.since_us) / 1000:.0f} ms"
    seen = f"{len(there) - len(missing)} of them, without {shown(missing[0])}"
    return [finding(one.exchange, want, seen, (0, len(one.exchange.body)), absent=True)]


CHECKS: dict[str, Check] = {
    "FLT-19": of_fleet(updates_first, "no run changed and logged a line at once while a stream was open"),
    "FLT-20": of_fleet(begins_with_lines, "no stream was opened on runs with a few log lines"),
}
