"""COS, of how long an item waits and how often a file has one: not too soon, not twice, and again once it has changed.

By our own clock, from what was done on disk: no server can know of it before. Must not know how long work takes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    Told,
    asked_cooldowns_us,
    behind,
    deeds,
    first_after,
    first_behind,
    folded,
    in_vain,
    is_paused,
    missing,
    noticed_us,
    of_deeds,
    taken_up,
    told,
    wrong,
)

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Trace

# A tolerance is the scaled one, but at least this: what a timer of the candidate may be early by, and its rounding.
_EARLY_US = 100_000
_OVER = ("queue_item_completed", "queue_item_failed", "queue_item_removed")
_NEWS = ("queue_item_added", "queue_item_updated")
_WORK = ("file_summarizing", "file_summarized", "file_embedding", "file_embedded", "file_complete")
_WRITTEN = ("created", "changed", "rewritten", "made unreadable")


def _later(trace: Trace, one: Reading, deed: Deed) -> list[Deed]:
    """What was done to the same file after that."""
    return [other for other in deeds(trace, one) if deed.path in (other.path, other.to) and other.at_us > deed.at_us]


def _is_written_only(trace: Trace, one: Reading, path: str) -> bool:
    """Whether nothing was done to a file but to write it: then it has one item, under one path."""
    return all(deed.did in _WRITTEN for deed in deeds(trace, one) if path in (deed.path, deed.to))


def cooled(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-25: of each attempt, the nth of which has n cooldowns before it."""
    if is_paused(trace, one.profile, deed.at_us):
        return NotExercised("the file was written while the queue was paused")
    news = first_after(told(one, *_NEWS, file_path=deed.path), deed.at_us)
    if news is None:
        return NotExercised("no item of a file that was written was announced")
    later = _later(trace, one, deed)
    until_us = later[0].at_us if later else deed.until_us
    began = [e for e in told(one, "queue_item_processing", file_path=deed.path) if e.at_us >= deed.at_us]
    began = [e for e in behind(began, news) if e.at_us < until_us and e.data.get("action") != "delete"]
    if not began:
        return NotExercised("no item was taken up whose file was left alone since it was written")
    cooldowns_us = asked_cooldowns_us(trace, one.profile, deed.at_us, began[-1].at_us)
    if not cooldowns_us:
        return NotExercised("the candidate did not take the cooldown that it was asked for")
    for count, event in enumerate(began, 1):
        due_us = deed.at_us + count * min(cooldowns_us)
        if event.at_us < due_us - _EARLY_US:
            return _too_soon(one, deed, event, due_us)
    return []


def _too_soon(one: Reading, deed: Deed, event: Told, due_us: int) -> list[Finding]:
    want = f"queue_item_processing of {shown(deed.path)} {(due_us - deed.at_us) / 1000:.0f} ms after it was {deed.did}"
    return [finding(one.exchange, want, f"after {(event.at_us - deed.at_us) / 1000:.0f} ms", event.span)]


def _current(one: Reading, deed: Deed) -> Told | None:
    """The item that a file had last when something was done to it, over or not."""
    return next((i for i in reversed(told(one, "queue_item_added", file_path=deed.path)) if i.at_us < deed.at_us), None)


def one_item(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-26: of files that were changed while they had an item, waiting or processed."""
    item = _current(one, deed)
    if item is None or not _is_written_only(trace, one, deed.path):
        return NotExercised("no file was changed while its item was in the queue")
    over = first_behind(told(one, *_OVER, id=item.data.get("id")), item)
    noticed = first_after(told(one, "file_modified", path=deed.path), deed.at_us)
    second = first_after(told(one, "queue_item_added", file_path=deed.path), deed.at_us)
    if second is not None and (over is None or second.span < over.span):
        return wrong(one, f"no second item of {shown(deed.path)} beside {item.data.get('id')}", second)
    if noticed is None or (over is not None and over.span < noticed.span):
        return NotExercised("no change of a file was announced while its item was in the queue")
    return []


def again(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-27: of files that were changed once their item was taken up, whether or not it was over by then."""
    item = _current(one, deed)
    begun = taken_up(one, item) if item else None
    noticed = first_after(told(one, "file_modified", path=deed.path), deed.at_us)
    if item is None or begun is None or begun.at_us > (noticed.at_us if noticed else deed.at_us):
        return NotExercised("no file was changed after its item was taken up")
    if noticed is None:
        return missing(one, f"file_modified of {shown(deed.path)}", deed.at_us, noticed_us(one.profile), deed.until_us)
    if first_after(told(one, *_NEWS, file_path=deed.path), deed.at_us):
        return []
    over = first_behind(told(one, *_OVER, id=item.data.get("id")), begun)
    if over is None:
        return NotExercised("the file that was changed while it was processed was still being processed at the end")
    want = f"another item of {shown(deed.path)}"
    return missing(one, want, max(deed.at_us, over.at_us), noticed_us(one.profile), deed.until_us)


def skipped(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-28: of files that were indexed, and then written with the text that they had."""
    before = [e for e in told(one, "file_complete", "file_failed", path=deed.path) if e.at_us < deed.at_us]
    if not before or before[-1].kind != "file_complete":
        return NotExercised("no file was indexed and then written with the same content")
    worked = first_after(told(one, *_WORK, path=deed.path), deed.at_us)
    if worked is not None:
        return wrong(one, f"file_skipped of {shown(deed.path)}, whose content is the same", worked)
    if first_after(told(one, "file_skipped", path=deed.path), deed.at_us):
        return []
    return NotExercised("nothing was done about the file that was written with the same content")


def finished(trace: Trace, profile: Profile) -> Outcome:
    """COS-38: of items that were being processed when the queue was paused."""
    judged: list[Judged] = []
    for one in streams(trace, profile):
        switches = told(one, "queue_paused", "queue_resumed")
        for paused, resumed in pairwise([*switches, None]):
            if paused is not None and paused.kind == "queue_paused":
                judged += [_finished(one, begun, paused, resumed) for begun in _under_way(one, paused)]
    return folded(judged, "the queue was not paused while an item was processed")


def _under_way(one: Reading, paused: Told) -> list[Told]:
    """The items that were taken up before a pause was announced, and were not over by then."""
    begun = [event for event in told(one, "queue_item_processing") if event.span < paused.span]
    return [b for b in begun if not any(b.span < end.span < paused.span for end in _ends(one, b))]


def _ends(one: Reading, begun: Told) -> list[Told]:
    """What tells that nobody works on an item any more. A failure may be told of the file alone: COS-12 says so."""
    ends = told(one, *_OVER, "queue_item_updated", id=begun.data.get("id"))
    return [*ends, *told(one, "file_failed", path=begun.data.get("file_path"))]


def _finished(one: Reading, begun: Told, paused: Told, resumed: Told | None) -> Judged:
    name, path = begun.data.get("id"), str(begun.data.get("file_path"))
    if behind(_ends(one, begun), paused):
        return []
    never = in_vain(one, path, f"the end of {name}, which was processed when the queue was paused", paused)
    until = "at the end" if resumed is None else "when the queue was resumed"
    return never or NotExercised(f"the item that was processed during the pause was still being processed {until}")


CHECKS: dict[str, Check] = {
    "COS-25": of_deeds("no file was written in a watched directory", cooled, "created", "changed", "made unreadable"),
    "COS-26": of_deeds("no file was changed in a watched directory", one_item, "changed"),
    "COS-27": of_deeds("no file was changed in a watched directory", again, "changed"),
    "COS-28": of_deeds("no file was written with the content that it had", skipped, "rewritten"),
    "COS-38": finished,
}
