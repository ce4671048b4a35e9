"""COS, of the queue's items: how what was done in a watched directory is worked off, and when it is not.

By the order of events, and by their times only where something never came. Must not know how long work takes: a
language model has all the time that it wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.checks.runs import unread
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    Told,
    attached,
    behind,
    cooldown_us,
    deeds,
    first_after,
    first_behind,
    folded,
    in_vain,
    is_paused,
    item_of,
    made,
    missing,
    noticed_us,
    of_deeds,
    taken_up,
    told,
    told_us,
    watched_until_us,
    wrong,
)

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

# Where nothing tells when a change was noticed, one that comes so shortly before the item is taken up may have been
# noticed too late: a watcher that the system tells takes some ms, the rest is for a busy machine.
_EDGE_US = 150_000
_STAGES = ("file_parsing", "file_parsed", "file_summarizing", "file_summarized", "file_embedding", "file_embedded",
           "file_complete", "file_failed", "file_skipped")  # fmt: skip
_DONE = ("file_complete", "file_skipped")
_OVER = ("queue_item_completed", "queue_item_failed", "queue_item_removed")
_ITEM = ("queue_item_added", "queue_item_updated", "queue_item_processing", *_OVER)

_NO_COOLDOWN = NotExercised("the candidate did not take the cooldown that it was asked for")
_AT_THE_END = NotExercised("the file that was left alone was still waiting, or being processed, at the end")


# ------------------------------------------------------------------------------------------------ an item's way


def processed(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-07: of a file to which nothing else was done; of the others only that they are worked off at all."""
    item, profile = item_of(one, deed.path, deed.at_us), one.profile
    if item is None or is_paused(trace, profile, deed.at_us) or item.data.get("id") in _removals(trace, profile):
        return NotExercised("no file was left alone until the end of its cooldown")
    if any(event.at_us < deed.at_us for event in told(one, "queue_item_failed")):
        return NotExercised("the file was made to see whether the queue continues after a failed item")
    way = [e for e in behind(told(one, *_ITEM, id=item.data.get("id")), item) if e.at_us < deed.until_us]
    never = in_vain(one, deed.path, f"queue_item_completed of {shown(deed.path)}", [item, *way][-1])
    if sum(other.path == deed.path for other in deeds(trace, one)) > 1:
        return never or NotExercised("no file was left alone until the end of its cooldown")
    return _to_its_end(one, deed, item, way, never)


def _to_its_end(one: Reading, deed: Deed, item: Told, way: list[Told], never: list[Finding]) -> Judged:
    """`way` is what was told of an item after it was added."""
    if any(event.kind in ("queue_item_failed", "queue_item_removed") for event in way):
        return NotExercised("the file that was left alone could not be processed")
    name = item.data.get("id")
    begun = [event for event in way if event.kind == "queue_item_processing"]
    over = next((event for event in way if event.kind == "queue_item_completed"), None)
    if over is None:
        late = _never_over(one, deed, begun[-1], name) if begun else _AT_THE_END
        return never if never and isinstance(late, NotExercised) else late
    if not begun or begun[0].span > over.span:
        return wrong(one, f"queue_item_processing of {name} before its end", over, item)
    stages = [event for event in behind(told(one, *_STAGES, path=deed.path), begun[0]) if event.span < over.span]
    if stages and stages[-1].kind in _DONE:
        return []
    want = f"file_complete or file_skipped of {shown(deed.path)} between processing and completion"
    seen, absent = stages[-1].kind if stages else "none of its events", unread(one, begun[0].span[1], over.span[0])
    return [finding(one.exchange, want, seen, over.span, absent=absent)]


def _removals(trace: Trace, profile: Profile) -> set[Any]:
    return {x.about.get("subject") for x in made(trace, profile, "trigger:remove-item")}


def _never_over(one: Reading, deed: Deed, begun: Told, name: Any) -> Judged:
    """Of an item that was taken up; nothing where its file is not done yet."""
    done = first_behind(told(one, *_DONE, path=deed.path), begun)
    if done is None:
        return _AT_THE_END
    other = first_behind(told(one, "queue_item_completed", file_path=deed.path), done)
    want = f"queue_item_completed of {name}, of {shown(deed.path)}"
    return wrong(one, want, other) if other else missing(one, want, done.at_us, told_us(one.profile), deed.until_us)


# ------------------------------------------------------------------------------------------------ during the cooldown


def _in_time(trace: Trace, one: Reading, deed: Deed, kind: str) -> Told | NotExercised:
    """The item of a file to which something was done while it cooled down: `kind` tells that this was noticed."""
    item = next((i for i in told(one, "queue_item_added", file_path=deed.path) if i.at_us < deed.at_us), None)
    if item is None:
        return NotExercised(f"nothing was {deed.did} while its item cooled down")
    cooldown = cooldown_us(trace, one.profile, item.at_us)
    if cooldown is not None and deed.at_us - item.at_us >= cooldown:
        return NotExercised(f"the cooldown of the item was over before its file was {deed.did}")
    noticed = first_after(told(one, kind, path=deed.path), deed.at_us)
    latest_us = noticed.at_us if noticed else deed.at_us + _EDGE_US
    begun = taken_up(one, item)
    if begun is not None and begun.data.get("action") != "delete" and begun.at_us <= latest_us:
        return NotExercised(f"the item was taken up before its file was {deed.did}")
    return item


class _Cooling(NamedTuple):
    """An item whose file was changed: what was told of it before the change and after it, until it was taken up."""

    item: Told
    begun: Told | None
    before: list[Told]
    after: list[Told]


def _cooling(trace: Trace, one: Reading, deed: Deed) -> _Cooling | NotExercised:
    item = _in_time(trace, one, deed, "file_modified")
    if isinstance(item, NotExercised):
        return item
    begun = taken_up(one, item)
    states = [event for event in told(one, "queue_item_added", "queue_item_updated", id=item.data.get("id"))
              if begun is None or event.span < begun.span]  # fmt: skip
    return _Cooling(item, begun, *_split(states, deed.at_us))


def updated(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-08."""
    found = _cooling(trace, one, deed)
    if isinstance(found, NotExercised):
        return found
    if found.after:
        return _modified(one, deed)
    want = f"queue_item_updated of {found.item.data.get('id')}"
    if found.begun:
        return wrong(one, want, found.begun, found.before[-1])
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us)


def cooled_anew(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-23."""
    found = _cooling(trace, one, deed)
    if isinstance(found, NotExercised):
        return found
    name = found.item.data.get("id")
    if not found.after:
        return NotExercised("no item whose file was changed was updated")
    ends = [event.data.get("cooldown_expires_at") for event in (found.before[-1], found.after[-1])]
    numbers = [end for end in ends if isinstance(end, int | float)]  # nothing can be said where one does not tell
    if len(numbers) < len(ends) or numbers[1] > numbers[0]:
        return []
    want = f"queue_item_updated of {name} with a later end of the cooldown"
    seen = f"cooldown_expires_at {shown(numbers[1])}, where it was {shown(numbers[0])}"
    return [finding(one.exchange, want, seen, found.after[-1].span)]


def _modified(one: Reading, deed: Deed) -> Judged:
    """Whether a change was told, besides what became of the item."""
    if first_after(told(one, "file_modified", path=deed.path), deed.at_us):
        return []
    return missing(one, f"file_modified of {shown(deed.path)}", deed.at_us, noticed_us(one.profile), deed.until_us)


def _split(events: list[Told], at_us: int) -> tuple[list[Told], list[Told]]:
    """The events before a time and from then on."""
    count = sum(event.at_us < at_us for event in events)
    return events[:count], events[count:]


def deleted(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-09."""
    item = _in_time(trace, one, deed, "file_deleted")
    if isinstance(item, NotExercised) or first_after(told(one, "file_deleted", path=deed.path), deed.at_us):
        return item if isinstance(item, NotExercised) else []
    return missing(one, f"file_deleted of {shown(deed.path)}", deed.at_us, noticed_us(one.profile), deed.until_us)


def not_parsed(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-22."""
    item = _in_time(trace, one, deed, "file_deleted")
    if isinstance(item, NotExercised):
        return item
    gone = first_after(told(one, "file_deleted", path=deed.path), deed.at_us)
    parsing = told(one, "file_parsing", path=deed.path)
    parsed = first_behind(parsing, gone) if gone else first_after(parsing, deed.at_us)
    if parsed is not None:
        return wrong(one, "no file_parsing of a file that is gone", parsed)
    return _past_cooldown(trace, one, deed.at_us, deed.until_us, "file_parsing")


def _past_cooldown(trace: Trace, one: Reading, since_us: int, until_us: int, other: str) -> Judged:
    """Nothing wrong was seen; that says something only where the cooldown was over in time.

    And only where another file's `other` came: from a queue that does nothing, nothing comes.
    """
    cooldown = cooldown_us(trace, one.profile, since_us)
    if cooldown is None:
        return _NO_COOLDOWN
    if first_after(told(one, other), since_us) is None:
        return NotExercised(f"no {other} of another file", due=True)
    left = NotExercised("the reader did not stay until the cooldown was over")
    return [] if until_us - since_us >= cooldown else left


def removed(trace: Trace, profile: Profile) -> Outcome:
    """COS-13."""
    asked = made(trace, profile, "trigger:remove-item")
    pairs = [(one, x) for x in asked for one in streams(trace, profile) if attached(one, x)]
    return folded([_removed(trace, one, x) for one, x in pairs], "no item that cooled down was removed")


def _removed(trace: Trace, one: Reading, x: Exchange) -> Judged:
    name, until_us = x.about.get("subject"), watched_until_us(trace, one)
    item = next((event for event in told(one, "queue_item_added", id=name) if event.at_us < x.sent_us), None)
    begun = taken_up(one, item) if item else None
    gone = first_after(told(one, "queue_item_removed", id=name), x.sent_us)
    if item is None or x.sent_us > until_us or (begun and begun.at_us <= (gone.at_us if gone else x.ended_us)):
        return NotExercised("no item that cooled down was removed")
    if gone is None or gone.at_us >= until_us:
        return missing(one, f"queue_item_removed of {name}", x.ended_us, told_us(one.profile), until_us)
    path = item.data.get("file_path")
    again = first_behind(told(one, "queue_item_added", file_path=path), gone)
    later = [*told(one, "queue_item_processing", id=name), *told(one, "file_parsing", path=path)]
    work = next((e for e in behind(later, gone) if again is None or e.span < again.span), None)
    if work is not None:
        return wrong(one, f"no processing of {name}, which was removed", work)
    return _past_cooldown(trace, one, gone.at_us, until_us, "queue_item_processing")


# ------------------------------------------------------------------------------------------------ while it is paused


def held(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-17: of files that were made between a pause and what ended it."""
    until_us = _pause_of(trace, one.profile, deed)
    if until_us is None:
        return NotExercised("no file was made in a watched directory while the queue was paused")
    item = item_of(one, deed.path, deed.at_us)
    if item is None or item.at_us > until_us:
        want = f"queue_item_added of {shown(deed.path)} during the pause"
        return missing(one, want, deed.at_us, noticed_us(one.profile), until_us)
    begun = taken_up(one, item) or first_behind(told(one, "queue_item_processing", file_path=deed.path), item)
    cooldown = cooldown_us(trace, one.profile, item.at_us)
    if begun is not None and begun.at_us < until_us:
        return wrong(one, f"no processing of {item.data.get('id')} before the queue is resumed", begun)
    resumed = first_after(told(one, "queue_resumed"), until_us)
    if begun is None and resumed is not None:
        never = in_vain(one, deed.path, f"queue_item_processing of {item.data.get('id')} after the pause", resumed)
        if never:
            return never
    if cooldown is None:
        return _NO_COOLDOWN
    if begun is None:  # a queue that does nothing looks the same in a pause
        return NotExercised("the item was not processed after the pause either", due=True)
    return [] if until_us - item.at_us >= cooldown else NotExercised("the pause was over before the cooldown was")


def _pause_of(trace: Trace, profile: Profile, deed: Deed) -> int | None:
    """When the pause was ended during which something was done, None where there was none."""
    after = [x.sent_us for x in made(trace, profile, "trigger:resume") if x.sent_us > deed.at_us]
    return min(after, default=None) if is_paused(trace, profile, deed.at_us) else None


CHECKS: dict[str, Check] = {
    "COS-07": of_deeds("no file was made in a watched directory", processed, "created"),
    "COS-08": of_deeds("no file was changed in a watched directory", updated, "changed"),
    "COS-09": of_deeds("no file was deleted in a watched directory", deleted, "deleted"),
    "COS-13": removed,
    "COS-17": of_deeds("no file was made in a watched directory", held, "created"),
    "COS-22": of_deeds("no file was deleted in a watched directory", not_parsed, "deleted"),
    "COS-23": of_deeds("no file was changed in a watched directory", cooled_anew, "changed"),
}
