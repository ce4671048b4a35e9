"""COS, of what an event states of a file or an item: names, states, numbers and times, held to what was done and asked.

Must not know what the events are for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from streamvet.checks.runs import with_role
from streamvet.contract.profile import pointed
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    Told,
    attached,
    behind,
    cooldown_us,
    first_after,
    first_behind,
    folded,
    is_paused,
    item_of,
    of_deeds,
    succeeded,
    told,
    wrong,
)

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Exchange, Trace

_STAGES = ("file_parsing", "file_parsed", "file_summarizing", "file_summarized", "file_embedding", "file_embedded",
           "file_complete", "file_failed", "file_skipped")  # fmt: skip
_SLASHES = re.compile(r"[/\\]")
_MOVES_ON = ("queue_item_processing", "queue_item_completed", "queue_item_failed", "queue_item_removed")
# What two times of an item may differ from the cooldown by: at least 100 ms, and a second that was cut off.
_LEAST_S, _SECOND_S = 0.1, 1.0


def named(trace: Trace, profile: Profile) -> Outcome:
    """COS-33."""
    found, exercised = [], False
    for one in streams(trace, profile):
        for event in _of_work(one):
            exercised = True
            want = _SLASHES.split(str(event.data.get("path")))[-1]
            if event.data.get("filename") != want:
                found.append(finding(one.exchange, f"filename {shown(want)}", shown(event.data), event.span))
                break
    return found if found or exercised else NotExercised("no file was processed")


def _of_work(one: Reading) -> list[Told]:
    """What is told of files whose items are told of as well: a script may say anything."""
    worked = {event.data.get("file_path") for event in told(one, "queue_item_processing")}
    return [event for event in told(one, *_STAGES) if event.data.get("path") in worked]


def attempts(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-34."""
    item = item_of(one, deed.path, deed.at_us)
    end = first_behind(told(one, "queue_item_failed", id=item.data.get("id")), item) if item else None
    if item is None or end is None:
        return NotExercised("no item was given up")
    most = _retries(trace, one.profile, end.at_us)
    if most is None:
        return NotExercised("the settings do not say after how many attempts an item is given up")
    failures = [event for event in behind(told(one, "file_failed", path=deed.path), item) if event.span < end.span]
    if len(failures) == max(1, most):
        return []
    want = f"queue_item_failed of {shown(deed.path)} after {max(1, most)} attempts, as max_retries is {most}"
    return [finding(one.exchange, want, f"after {len(failures)}", end.span)]


def _retries(trace: Trace, profile: Profile, until_us: int) -> int | None:
    """The attempts that the settings allow, as the candidate said last before a time."""
    answers = [x for x in trace.exchanges if x.operation.endswith(":settings") and succeeded(x, profile)]
    told_last = [pointed(x.json(), "/queue/max_retries") for x in answers if x.ended_us <= until_us]
    return told_last[-1] if told_last and isinstance(told_last[-1], int) else None


def at_once(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-35."""
    gone = first_after(told(one, "file_deleted", path=deed.path), deed.at_us)
    events = told(one, "queue_item_added", "queue_item_updated", file_path=deed.path, action="delete")
    deletion = first_behind(events, gone) if gone else None
    if deletion is None:
        return NotExercised("no item of a file that was deleted became a deletion")
    if deletion.data.get("status") == "cooling_down":
        return wrong(one, f"no cooldown of the deletion of {shown(deed.path)}", deletion)
    return []


def listed(trace: Trace, profile: Profile) -> Outcome:
    """COS-36: while the queue is paused, so that no item moves on between its event and the list."""
    judged: list[Judged] = []
    for x in with_role(trace, "look"):
        if x.operation == "look:items" and succeeded(x, profile) and is_paused(trace, profile, x.sent_us):
            judged += [_listed(one, x) for one in streams(trace, profile) if attached(one, x)]
    return folded(judged, "the queue was not looked at while an item waited in a pause")


def _listed(one: Reading, x: Exchange) -> Judged:
    rows = pointed(x.json(), "/items")
    known = {row.get("id"): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}
    moved: set[Any] = {event.data.get("id") for event in told(one, *_MOVES_ON) if event.at_us <= x.ended_us}
    waiting = [e for e in told(one, "queue_item_added") if e.at_us < x.sent_us and e.data.get("id") not in moved]
    if not waiting:
        return NotExercised("the queue was not looked at while an item waited in a pause")
    return [
        finding(x, f"the item {event.data.get('id')} of {shown(event.data.get('file_path'))}", "none", (0, len(x.body)))
        for event in waiting
        if known.get(event.data.get("id"), {}).get("file_path") != event.data.get("file_path")
    ]


def ends_after(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-37."""
    item, cooldown = item_of(one, deed.path, deed.at_us), cooldown_us(trace, one.profile, deed.at_us)
    if item is None or cooldown is None or item.data.get("status") != "cooling_down":
        return NotExercised("no new item was announced as cooling down")
    begin, end = item.data.get("enqueued_at"), item.data.get("cooldown_expires_at")
    if not isinstance(begin, int | float) or not isinstance(end, int | float):
        return NotExercised("no new item says when its cooldown is over")
    if abs(end - begin - cooldown / 1e6) <= max(_LEAST_S, _SECOND_S * trace.time_scale):
        return []
    want = f"cooldown_expires_at {cooldown / 1e6:g} s after enqueued_at {shown(begin)}"
    return [finding(one.exchange, want, f"{end - begin:.3f} s after it", item.span)]


CHECKS: dict[str, Check] = {
    "COS-33": named,
    "COS-34": of_deeds("no file that cannot be read as text was made", attempts, "made unreadable"),
    "COS-35": of_deeds("no file was deleted in a watched directory", at_once, "deleted"),
    "COS-36": listed,
    "COS-37": of_deeds("no file was made in a watched directory", ends_after, "created"),
}
