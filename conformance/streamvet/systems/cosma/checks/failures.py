"""COS, of a file that cannot be processed: that it is told, tried again and given up, and holds up no other.

Must not know how often a file is tried: the settings say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.outcome import NotExercised, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    Told,
    behind,
    deeds,
    first_behind,
    in_vain,
    item_of,
    missing,
    noticed_us,
    of_deeds,
    taken_up,
    told,
    told_us,
    wrong,
)

if TYPE_CHECKING:
    from streamvet.decode import Reading
    from streamvet.outcome import Check
    from streamvet.trace import Trace

_OVER = ("queue_item_completed", "queue_item_failed")  # one that we take out at the end has not come to its end


def given_up(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-12."""
    item = item_of(one, deed.path, deed.at_us)
    if item is None:
        return NotExercised("no file that cannot be read as text got an item")
    name, begun = item.data.get("id"), taken_up(one, item)
    if begun is None:
        never = in_vain(one, deed.path, f"queue_item_processing of {name}", item)
        return never or NotExercised("no file that cannot be read as text was taken up")
    if told(one, "queue_item_completed", id=name):
        return NotExercised("the candidate can process a file that cannot be read as text")
    failure = first_behind(told(one, "file_failed", path=deed.path), begun)
    end = first_behind(told(one, "queue_item_failed", id=name), begun)
    if failure is None or (end is not None and end.span < failure.span):
        want = f"file_failed of {shown(deed.path)} with the error"
        untold = missing(one, want, begun.at_us, noticed_us(one.profile), deed.until_us)
        return wrong(one, want, end, begun) if end else untold
    return _not_given_up(one, deed, name) if end is None else _others_go_on(trace, one, end)


def _not_given_up(one: Reading, deed: Deed, name: Any) -> Judged:
    """Whether an item whose file has failed is forgotten. While it is tried again, it is not."""
    failure = told(one, "file_failed", path=deed.path)[-1]
    again = first_behind(told(one, "queue_item_updated", id=name), failure)
    if again is None:
        want = f"queue_item_failed of {name}, or another attempt"
        return missing(one, want, failure.at_us, told_us(one.profile), deed.until_us)
    tried = first_behind(told(one, "queue_item_processing", id=name), again)
    never = [] if tried else in_vain(one, deed.path, f"queue_item_processing of {name} after its cooldown", again)
    return never or NotExercised("the file that cannot be read as text was still being tried at the end")


def _others_go_on(trace: Trace, one: Reading, end: Told) -> Judged:
    """Whether a file comes to an end that was made after another one was given up."""
    later = [deed for deed in deeds(trace, one) if deed.did == "created" and deed.at_us > end.at_us]
    items = [(deed, item) for deed in later if (item := item_of(one, deed.path, deed.at_us))]
    for deed, item in items:
        if behind(told(one, *_OVER, file_path=deed.path), item):
            return []
        never = in_vain(
            one, deed.path, f"the end of the item of {shown(deed.path)}, because other files are processed", item
        )
        if never:
            return never
    return NotExercised("no file was made and waited for after one was given up")


CHECKS: dict[str, Check] = {
    "COS-12": of_deeds("no file that cannot be read as text was made", given_up, "made unreadable"),
}
