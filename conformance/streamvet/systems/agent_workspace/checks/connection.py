"""FLT, of the connection: what belongs to its account, and what becomes of loads and polls that fail.

Must not know log lines, nor repeat what a generic family checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamvet.checks.heartbeat import bound_us
from streamvet.decode import readable, reading, streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.agent_workspace.checks.recorded import (
    Judged,
    any_fleet_of,
    failures,
    figures_of,
    fleet_of,
    folded,
    rows,
)
from streamvet.systems.agent_workspace.checks.runs import KNOWN_CHANGE, changes_told
from streamvet.systems.agent_workspace.checks.shown import ERROR, JITTER_SHARE, NEVER_POLLS, SNAPSHOT, UPDATE, span

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Check, Outcome
    from streamvet.systems.agent_workspace.checks.shown import Connection, Fleet
    from streamvet.trace import Trace

RETRY = re.compile(rb"(?:\A|[\r\n])retry:")  # of which form it is, SSE-03 says


def names_its_run(trace: Trace, profile: Profile) -> Outcome:
    """FLT-01."""
    found, exercised = [], False
    for one in streams(trace, profile):
        for row in rows(one, (SNAPSHOT, UPDATE)):
            parts = [*row.document["jobs"], *row.document["pendingInterventions"]]
            exercised = exercised or bool(parts)
            wrong = next((part for part in parts if part["pipelineRunId"] != row.id), None)
            if wrong is not None:
                want = f"pipelineRunId {shown(row.id)} in {shown(wrong['id'])}"
                found.append(finding(one.exchange, want, shown(wrong["pipelineRunId"]), span(row.event)))
    return found if exercised else NotExercised("no event had a run with jobs or interventions")


def nothing_foreign(trace: Trace, profile: Profile) -> Outcome:
    """FLT-03: by the ids, wherever in a stream they stand."""
    fleet = fleet_of(trace, profile)
    if isinstance(fleet, NotExercised):
        return fleet
    found, exercised = [], False
    for one in fleet.connections:
        foreign, body = _foreign(fleet, one), one.exchange.body
        # On a stream that is told nothing of its own account, nothing of another one says nothing.
        exercised = exercised or (bool(one.updated and one.lines) and _foreign_changed(fleet, one))
        places = [(at, name) for name in foreign if (at := body.find(f'"{name}"'.encode())) >= 0]
        if places:
            at, name = min(places)
            want = f"nothing of a project to which the {one.exchange.about['account']} account has no access"
            found.append(finding(one.exchange, want, repr(name), (at, at + len(name) + 2)))
    if found or (exercised and len({one.projects for one in fleet.connections}) > 1):
        return found
    return NotExercised("no two accounts with different projects had streams while runs and logs of both changed")


def _foreign(fleet: Fleet, one: Connection) -> list[str]:
    """The ids of what a connection must not show, as they are on the wire: of projects, runs and log lines."""
    names: set[str] = set()
    for state in fleet.states:
        runs = {name: run["projectId"] for name, run in state.runs.items() if run["projectId"] not in one.projects}
        lines = [name for name, line in state.lines.items() if line["pipelineRunId"] in runs]
        names |= {*runs.values(), *(fleet.tag + name for name in (*runs, *lines))}
    return sorted(names)


def _foreign_changed(fleet: Fleet, one: Connection) -> bool:
    """Whether runs and logs of others changed while a connection was there to be told."""
    runs = lines = False
    for before, after in fleet.later(one):
        if fleet.due_us(one, after.done_us) <= one.until_us:
            foreign = {name for name, run in after.runs.items() if run["projectId"] not in one.projects}
            runs = runs or any(before.runs.get(name) != after.runs[name] for name in foreign)
            lines = lines or any(after.lines[name]["pipelineRunId"] in foreign for name in after.new)
    return runs and lines


def error_in_place(trace: Trace, profile: Profile) -> Outcome:
    """FLT-14: the stream that is requested next after the candidate was told to fail."""
    found, exercised = [], False
    for failure in failures(trace, "load"):
        later = (x for x in trace.exchanges if x.about.get("meant") == "stream" and x.sent_us >= failure.ended_us)
        exchange = min(later, key=lambda x: x.sent_us, default=None)
        if exchange is None or not readable(exchange):
            continue
        exercised = True
        one = reading(exchange, profile)
        snapshot = one.of((SNAPSHOT,))
        if not one.of((ERROR,)):  # what may follow on it is in the state table
            seen = f"a {SNAPSHOT}" if snapshot else "no such event"
            where = span(snapshot[0]) if snapshot else (0, len(exchange.body))
            want = f"an {ERROR} event instead of a {SNAPSHOT}"
            found.append(finding(exchange, want, seen, where, absent=not snapshot))
    return found if exercised else NotExercised("no stream was requested whose first state could not be loaded")


def change_in_time(trace: Trace, profile: Profile) -> Outcome:
    """FLT-04: against what the fleet was; where only the user can change it, by what is told after that."""
    triggered = [one for one in streams(trace, profile) if "triggered" in one.exchange.about]
    if not triggered:
        return KNOWN_CHANGE(trace, profile)
    figures = figures_of(trace, profile)
    judged: list[Judged] = []
    reason = "no stream was open for long enough after the trigger"
    for one in triggered:
        x, deed = one.exchange, one.exchange.about["triggered"]
        jitter_us = trace.worst_late_us(x)
        if "failed" in deed:
            reason = f"the trigger {deed['name']} failed: {deed['failed']}"
            continue
        due_us = deed["done_us"] + figures.poll_us + figures.slack_us + jitter_us
        told = next((event for event in one.of((UPDATE,)) if event.at_us >= deed["at_us"]), None)
        is_late = jitter_us * JITTER_SHARE > figures.slack_us
        if told is not None and told.at_us <= due_us:
            judged.append([])
        elif x.ended_us < due_us:
            continue
        elif is_late and (told or x.ended_us < due_us + NEVER_POLLS * figures.poll_us + jitter_us):
            judged.append(NotExercised(f"harness late by {jitter_us / 1000:.0f} ms", due=True))
        else:
            want = f"a {UPDATE} within {(due_us - deed['done_us']) / 1000:.0f} ms of the trigger {deed['name']}"
            seen = f"one after {(told.at_us - deed['done_us']) / 1000:.0f} ms" if told else "none"
            where = span(told) if told else (0, len(x.body))
            judged.append([finding(x, want, seen, where, due_us, absent=told is None, timed=told is not None)])
    outcome = folded(judged)
    return NotExercised(reason) if outcome is None else outcome


def outlives_a_poll(trace: Trace, profile: Profile) -> Outcome:
    """FLT-15: the stream is still there, the poll after the one that fails tells what has changed, heartbeats come."""
    failed = failures(trace, "poll")
    fleet = any_fleet_of(trace, profile)
    if not failed or isinstance(fleet, NotExercised):
        return NotExercised("no poll was made to fail while a stream was open")
    judged: list[Judged] = []
    for one in fleet.connections:
        before = [x for x in failed if one.since_us <= x.sent_us]
        if not before:
            continue
        x, due_us = one.exchange, fleet.due_us(one, before[0].ended_us, 2)
        if x.by_server and x.ended_us < due_us:
            seen = f"{x.ending.value} {(x.ended_us - before[0].ended_us) / 1000:.0f} ms after it was to fail"
            judged.append([finding(x, "a stream that outlives a poll that fails", seen, at_us=x.ended_us)])
        else:
            judged += [changes_told(fleet, one, 2), _beat_after(trace, fleet, one, before[0].sent_us)]
    outcome = folded(judged)
    reason = "no stream was open for long enough after a poll was made to fail"
    return NotExercised(reason) if outcome is None else outcome


def _beat_after(trace: Trace, fleet: Fleet, one: Connection, failed_us: int) -> Judged:
    """Whether a heartbeat comes after a poll was to fail; None where that was not waited for.

    It is open whether a poll that fails counts for the heartbeat: it has one poll more.
    """
    profile = one.reading.profile
    beat = profile.heartbeat
    if beat is None:
        return None
    due_us = fleet.due_us(one, one.since_us + bound_us(profile, beat, trace.time_scale, 0))
    beats_us = [event.at_us for event in one.reading.beats if event.at_us >= failed_us]
    if any(at_us <= due_us for at_us in beats_us):
        return []
    if not fleet.has_missed(one, due_us, came=bool(beats_us)):
        return fleet.overlooks(one, due_us)
    want = f"a heartbeat within {(due_us - one.since_us) / 1000:.0f} ms, even if a poll fails"
    return [finding(one.exchange, want, "none", one.silence_at(due_us), due_us, absent=True, timed=True)]


def tells_when_to_return(trace: Trace, profile: Profile) -> Outcome:
    """FLT-16: on streams that show more than their first event, as the field may come after it."""
    read = [one for one in streams(trace, profile) if one.events and (one.frames > 1 or one.exchange.by_server)]
    if not read:
        return NotExercised("no stream had more than one event")
    return [
        finding(one.exchange, "a retry field", "none", (0, len(one.exchange.body)))
        for one in read
        if not RETRY.search(one.exchange.body)
    ]


CHECKS: dict[str, Check] = {
    "FLT-01": names_its_run,
    "FLT-03": nothing_foreign,
    "FLT-04": change_in_time,
    "FLT-14": error_in_place,
    "FLT-15": outlives_a_poll,
    "FLT-16": tells_when_to_return,
}
