"""RKS, of the steps of a push that does its own work, and of the plans that it links: what is told of them.

A step that a script says is not the candidate's choice. Must not compare one push with another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamvet.checks.runs import unread
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.rockstar.checks.pushes import PATHS, Push, pushes

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

LINKING, REDACTING = "linking_plans", "redacting"
_WORDS = ("no", "one", "two", "three")  # a count that a text may spell out


def _own(trace: Trace, profile: Profile) -> list[tuple[Reading, Push]]:
    """The sessions that were pushed without a script and are done."""
    if trace.stimulus.get("script") is not None:
        return []
    read = {one.exchange.id: one for one in streams(trace, profile)}
    return [(read[p.exchange.id], p) for p in pushes(trace, profile) if p.kind == "session" and p.done]


def links_only_plans(trace: Trace, profile: Profile) -> Outcome:
    """RKS-17. That nothing is told says something only where linking is told of for a session that wrote plans."""
    own = _own(trace, profile)
    plain = [one for one, push in own if not push.writes]
    events = [(one, event) for one in plain for event in one.of((LINKING,))[:1]]
    if events:
        want = "no linking_plans, because the session wrote no plan file"
        return [finding(one.exchange, want, shown(one.value(e)), (e.start, e.end)) for one, e in events]
    linking = [bool(one.of((LINKING,))) for one, push in own if push.writes]
    if not plain or not linking:
        return NotExercised("no session that wrote plan files was pushed beside one that wrote none")
    return [] if any(linking) else NotExercised("no linking_plans for a session that wrote plan files", due=True)


def counts_plans(trace: Trace, profile: Profile) -> Outcome:
    """RKS-18."""
    found, exercised = [], False
    for one, push in _own(trace, profile):
        for event in one.of((LINKING,))[:1] if push.writes else ():
            exercised = True
            detail, count = str(one.value(event).get("detail")), len(push.files())
            said = {int(number) for number in re.findall(r"\d+", detail)}
            said |= {_WORDS.index(word) for word in re.findall(r"[a-z]+", detail.lower()) if word in _WORDS}
            if count not in said:
                want = f"a detail with the number of plans, {count}"
                found.append(finding(one.exchange, want, shown(detail), (event.start, event.end)))
    return found if exercised else NotExercised("no session that wrote plan files announced that it links them")


def redacts_first(trace: Trace, profile: Profile) -> Outcome:
    """RKS-19."""
    own = _own(trace, profile)
    found = []
    for one, _ in own:
        first = one.events[0] if one.events else None
        if first is not None and first.kind != REDACTING:
            absent = unread(one, 0, first.start)
            span = (first.start, first.end)
            found.append(finding(one.exchange, "redacting as the first step", str(first.kind), span, absent=absent))
    return found if own else NotExercised("no session was pushed without a script")


def url_of_plan(trace: Trace, profile: Profile) -> Outcome:
    """RKS-20."""
    found, exercised = [], False
    for push in pushes(trace, profile):
        for plan in push.plans:
            exercised = True
            end = f"{PATHS['plan']}{plan.get('nanoid')}"
            if not str(plan.get("url")).endswith(end):
                want = f"a url of plan {shown(plan.get('name'))} that ends with {shown(end)}"
                found.append(finding(push.exchange, want, shown(plan.get("url")), push.span))
                break
    return found if exercised else NotExercised("no plan was linked")


CHECKS: dict[str, Check] = {
    "RKS-17": links_only_plans,
    "RKS-18": counts_plans,
    "RKS-19": redacts_first,
    "RKS-20": url_of_plan,
}
