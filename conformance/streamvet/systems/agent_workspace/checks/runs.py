"""FLT-02 and FLT-04 to FLT-07: the runs that snapshots and updates show, against what the fleet was.

Must not know how the states of a fleet were put (`recorded` does), nor log lines.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from streamvet.outcome import finding, shown
from streamvet.systems.agent_workspace.checks.differences import change_of, first_other
from streamvet.systems.agent_workspace.checks.recorded import Judged, folded, of_fleet
from streamvet.systems.agent_workspace.checks.shown import UPDATE, fingerprint, repeated, shows, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamvet.outcome import Check, Finding
    from streamvet.systems.agent_workspace.checks.shown import Connection, Document, Fleet, Row, State

BURST_CHANGES = 3  # within a poll, as the requirement has it
NEAR_SHARE = 2  # two polls are nearer than half of their interval only where one is late by as much


# ------------------------------------------------------------------------------------------------ snapshots


def exact_snapshot(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-02: where there are more than fit, any fifty."""
    if one.snapshot is None:
        return None
    seen = [row for row in one.runs if row.event == one.snapshot]
    wrong: tuple[str, str] | None = None
    for state in fleet.told(one, one.snapshot):
        mine = fleet.active(state, one)
        chosen = {row.id: mine[row.id] for row in seen if row.id in mine}
        full = len(chosen) == min(len(mine), fleet.figures.runs)
        wrong = _difference(seen, chosen if full else fleet.visible(state, one))
        if wrong is None:
            return []
    return [finding(one.exchange, *wrong, span(one.snapshot))] if wrong else None


def newest_in_snapshot(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-17."""
    if one.snapshot is None:
        return None
    ids = {row.id for row in one.runs if row.event == one.snapshot}
    states = fleet.told(one, one.snapshot)
    older = [ids - fleet.visible(it, one).keys() for it in states if len(fleet.active(it, one)) > fleet.figures.runs]
    if len(older) < len(states) or not older:
        return None
    if not all(older):
        return []
    want = f"the {fleet.figures.runs} runs with the latest start"
    return [finding(one.exchange, want, f"{shown(min(older[0]))} among them", span(one.snapshot))]


def _difference(seen: Sequence[Row], wanted: Mapping[str, Document]) -> tuple[str, str] | None:
    """What is expected and what is seen where a snapshot is not exactly these runs."""
    ids = [row.id for row in seen]
    want = f"exactly the {len(wanted)} runs that the account may see"
    for rest, how in (
        (sorted(wanted.keys() - set(ids)), "without"),
        (sorted(set(ids) - wanted.keys()), "among them"),
        (repeated(ids), "twice"),
    ):
        if rest:
            return want, f"{len(ids)} runs, {how} {shown(rest[0])}"
    other = next((row for row in seen if not shows(row.document, wanted[row.id])), None)
    if other is None:
        return None
    want, told = first_other(wanted[other.id], other.document)
    return f"the run {shown(other.id)} with {want}", told


# ------------------------------------------------------------------------------------------------ updates


def change_in_time(fleet: Fleet, one: Connection) -> Judged:
    """FLT-04: each change is in an update in time, and no update has a run as it never was."""
    told = changes_told(fleet, one, 1)
    invented = next((row for row in one.updated if _never_was(fleet, one, row)), None)
    if invented is None:
        return told
    want = f"the run {shown(invented.id)} as it is"
    return folded([told, [finding(one.exchange, want, "a state that it never had", span(invented.event))]])


def changes_told(fleet: Fleet, one: Connection, polls: int) -> Judged:
    """The changes that are not in an update within so many polls; None where there was none to tell."""
    judged: list[Judged] = []
    for state, name in (*fleet.unshown(one), *fleet.changes(one)):
        since_us = max(state.done_us, one.since_us)
        due_us = fleet.due_us(one, since_us, polls)
        if _undone(fleet, one, state, name, due_us) or _restored(fleet, one, state, name):
            continue
        told = next((row for row in one.updated if row.id == name and _tells(fleet, one, row, state)), None)
        if told is not None and told.event.at_us <= due_us:
            judged.append([])
        elif fleet.has_missed(one, due_us, came=told is not None):
            within = f"within {(due_us - since_us) / 1000:.0f} ms"
            want = f"an update with the run {shown(name)} {within}: {_change(fleet, one, state, name)}"
            seen = f"one after {(told.event.at_us - since_us) / 1000:.0f} ms" if told else "none"
            where = span(told.event) if told else one.silence_at(due_us)
            late = finding(one.exchange, want, seen, where, due_us, absent=not told, timed=told is not None)
            judged.append([late])
        else:
            judged.append(fleet.overlooks(one, due_us))
    return folded(judged)


def _change(fleet: Fleet, one: Connection, state: State, name: str) -> str:
    """What of a run changed with a state, and when that was put."""
    before = fleet.visible(fleet.states[state.number - 1], one).get(name)
    return f"{change_of(before, fleet.visible(state, one)[name])}, put at {state.done_us / 1000:.0f} ms"


def _undone(fleet: Fleet, one: Connection, state: State, name: str, due_us: int) -> bool:
    """Whether a change may be over before a poll sees it: the run is as it was before, or is shown no more."""
    before = fleet.visible(fleet.states[state.number - 1], one).get(name)
    later = [fleet.visible(other, one).get(name) for other in fleet.states[state.number :] if other.sent_us <= due_us]
    return any(run is None or (before is not None and fingerprint(run) == fingerprint(before)) for run in later)


def _restored(fleet: Fleet, one: Connection, state: State, name: str) -> bool:
    """Whether a change may bring back what the poll before has seen: no poll has to fall in between."""
    now = fleet.visible(state, one).get(name)
    before = [other for other in fleet.states[: state.number] if _is_like(fleet.visible(other, one).get(name), now)]
    if not before:
        return False
    replaced = fleet.states[before[-1].number + 1]
    return state.sent_us - replaced.done_us <= fleet.figures.poll_us + fleet.slack_us(one)


def _is_like(run: Document | None, other: Document | None) -> bool:
    """Whether a poll cannot tell them apart."""
    return run is other if run is None or other is None else fingerprint(run) == fingerprint(other)


def _tells(fleet: Fleet, one: Connection, row: Row, state: State) -> bool:
    """Whether an update shows the run as it was in this state, or in a later one."""
    return any(other.number >= state.number for other in fleet.showing(one, row))


def _never_was(fleet: Fleet, one: Connection, row: Row) -> bool:
    """Whether the run is one that is to be shown, but not so."""
    there = all(row.id in fleet.visible(state, one) for state in fleet.told(one, row.event))
    return there and not fleet.showing(one, row)


def only_what_changed(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-05: by the last entry of a run in an update; that there is one is another row's.

    That nothing comes says something only on a stream that has updates.
    """
    found, exercised = [], bool(one.updated) and _unseen_changed(fleet, one)
    last: dict[str, Row] = {}
    for row in {(row.number, row.id): row for row in one.runs}.values():
        known = last.get(row.id)
        if row.event.kind == UPDATE and known is not None:
            exercised = exercised or len(last) > 1
            as_it_was = fingerprint(known.document) == fingerprint(row.document)
            if as_it_was and _always_there(fleet, one, known, row):
                want = f"no run whose status, jobs and number of interventions are unchanged ({shown(row.id)})"
                seen = f"it again, {(row.event.at_us - known.event.at_us) / 1000:.0f} ms later"
                found.append(finding(one.exchange, want, seen, span(row.event)))
        last[row.id] = row
    return found if exercised else None


def _always_there(fleet: Fleet, one: Connection, known: Row, row: Row) -> bool:
    """Whether the run was to be shown all the time between two tellings: one that comes back is told again."""
    between = fleet.in_force(known.event.at_us - fleet.slack_us(one), row.event.at_us)
    return all(row.id in fleet.visible(state, one) for state in between)


def _unseen_changed(fleet: Fleet, one: Connection) -> bool:
    """Whether members that no fingerprint covers changed, and the poll after that was observed."""
    for before, after in fleet.later(one):
        old, new = fleet.visible(before, one), fleet.visible(after, one)
        quiet = any(old[n] != new[n] and fingerprint(old[n]) == fingerprint(new[n]) for n in old.keys() & new.keys())
        if quiet and fleet.due_us(one, after.done_us) <= one.until_us:
            return True
    return False


def latest_only(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-06."""
    found, exercised = [], False
    for name, first, last in _bursts(fleet, one):
        entries = [(row, [state.number for state in fleet.showing(one, row)]) for row in one.updated if row.id == name]
        entries = [(row, of) for row, of in entries if of and first.number <= of[0] <= last.number]
        exercised = exercised or any(last.number in of for _, of in entries)
        near = (last.done_us - first.sent_us) * NEAR_SHARE <= fleet.figures.poll_us
        found += _too_many(one, [row for row, _ in entries], near=near) or _outdated(fleet, one, entries)
    return found if exercised or found else None


def _bursts(fleet: Fleet, one: Connection) -> list[tuple[str, State, State]]:
    """The runs that changed several times within a poll, with the first and the last of these states."""
    changed = defaultdict(list)
    for state, name in fleet.changes(one):
        changed[name].append(state)
    found = []
    for name, states in changed.items():
        pairs = zip(states, states[BURST_CHANGES - 1 :], strict=False)
        found += [(name, a, b) for a, b in pairs if b.done_us - a.sent_us <= fleet.figures.poll_us]
    return found


def _too_many(one: Connection, entries: Sequence[Row], *, near: bool) -> list[Finding]:
    """Several entries in an event; or one for each change, where no two polls fall between them."""
    twice = repeated(row.number for row in entries)
    if not twice and (not near or len(entries) < BURST_CHANGES):
        return []
    these = [row for row in entries if row.number == twice[0]] if twice else entries
    want = f"one entry of the run {shown(these[0].id)} for its changes between two polls"
    seen = f"{len(these)}, in one event" if twice else f"{len(these)}, one after another"
    return [finding(one.exchange, want, seen, span(these[0].event, these[-1].event))]


def _outdated(fleet: Fleet, one: Connection, entries: Sequence[tuple[Row, list[int]]]) -> list[Finding]:
    """An entry that shows the run as it had ceased to be."""
    for row, of in entries:
        if of[-1] < fleet.told(one, row.event)[0].number:
            over_ms = (row.event.at_us - fleet.states[of[-1] + 1].done_us) / 1000
            want, seen = f"the latest state of the run {shown(row.id)}", f"one that was over for {over_ms:.0f} ms"
            return [finding(one.exchange, want, seen, span(row.event))]
    return []


def ended_is_over(fleet: Fleet, one: Connection) -> list[Finding] | None:
    """FLT-07. That nothing comes says something only on a stream that has updates."""
    found, exercised = [], False
    for before, after in fleet.later(one):
        for name in sorted(fleet.visible(before, one).keys() - after.active):
            back_us = next((s.sent_us for s in fleet.states[after.number :] if name in s.active), one.until_us)
            watched = min(back_us, one.until_us) >= fleet.due_us(one, after.done_us)
            exercised = exercised or (watched and bool(one.updated))
            told = [r for r in one.updated if r.id == name and after.sent_us <= r.event.at_us <= back_us]
            # What a poll saw before the end may still arrive; it shows the run as it was then.
            over_us = after.done_us + fleet.slack_us(one)
            late = next((row for row in told if row.event.at_us > over_us or not fleet.showing(one, row)), None)
            if late is not None:
                seen = f"it, {(late.event.at_us - after.done_us) / 1000:.0f} ms after its end"
                want = f"nothing of the run {shown(name)}, which has ended"
                found.append(finding(one.exchange, want, seen, span(late.event)))
    return found if exercised or found else None


# Of FLT-04, where it is known what the fleet was.
KNOWN_CHANGE: Check = of_fleet(change_in_time, "no run changed while a stream was open for long enough")

CHECKS: dict[str, Check] = {
    "FLT-02": of_fleet(exact_snapshot, "no snapshot of a known fleet"),
    "FLT-17": of_fleet(newest_in_snapshot, "no snapshot of a known fleet with more runs than fit"),
    "FLT-05": of_fleet(only_what_changed, "no run stayed unchanged while a stream was open for long enough"),
    "FLT-06": of_fleet(latest_only, "no run changed several times within a poll"),
    "FLT-07": of_fleet(ended_is_over, "no run ended while a stream was open for long enough"),
}
