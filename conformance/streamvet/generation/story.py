"""A stimulus as one sentence: what is emitted, who reads and how, and what came of it.

Times are told as they pass on the candidate, not as the stimulus has them. Must not know how a stimulus was found.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from streamvet.generation.lawful import emits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamvet.generation.form import Form
    from streamvet.probes.setting import Stimulus

_QUOTED = frozenset("'\"[{(")  # with what a finding begins that only quotes a value
_NAMED = 5  # events of which the types are told
DESCRIBED = 3  # readers of which it is told what they do; the case has the others
_SHOWN_CHARS = 60  # of the only event
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WITH = {
    "empty": "asks with an empty cursor",
    "unknown": "asks with an unknown cursor",
    "malformed": "asks with a malformed cursor",
    "future": "asks with the cursor behind the last event",
}
_BACK = _WITH | {
    "start": "comes back without a cursor",
    "last": "comes back where it left",
    "earlier": "comes back at an earlier event",
    "first": "comes back behind the first event",
    "last-event-id": "comes back with Last-Event-ID",
}
_AS = {"missing": "without credentials", "other": "as another user", "expired": "with expired credentials"}


def told(stimulus: Stimulus, scale: float, seen: str, form: Form | None = None) -> str:
    """The sentence; `seen` is what a finding of it says."""
    quoted = "seen " if seen[:1] in _QUOTED else ""
    return f"{', '.join(_parts(stimulus, scale, form)) or 'one reader'}: {quoted}{seen}"


def _parts(stimulus: Stimulus, scale: float, form: Form | None) -> Iterator[str]:
    own = form is not None and stimulus in form
    if form and own:
        yield from form.described(stimulus)
    if stimulus.get("script") or ("script" in stimulus and stimulus["script"] is not None and not own):
        yield _events(stimulus)
    if int(stimulus.get("runs", 1)) > 1:
        yield f"{stimulus['runs']} runs at once"
    if stimulus.get("outcome") == "fails":
        yield "the run fails"
    told_rows = [", ".join(_reader(row, scale)) for row in stimulus.get("readers", ())]
    groups = [(text, len(list(same))) for text, same in groupby(told_rows)]
    if len(groups) > DESCRIBED:
        yield f"{_number(len(told_rows))} readers that come and go"
        groups = []
    for text, count in groups:
        yield f"one reader {text}" if count == 1 else f"{_number(count)} readers, each {text}"
    if stimulus.get("cut"):
        yield f"the reader is cut {where(stimulus['cut'], scale)}"
    if "cancel_ms" in stimulus:
        yield f"the run is cancelled {_moment(stimulus, 'cancel', scale)}"
    if "restart_ms" in stimulus:
        yield f"the server is killed {_moment(stimulus, 'restart', scale)} and started again"
    if stimulus.get("record"):
        yield "its record is requested"
    if stimulus.get("again"):
        yield "it is read again"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def counted(count: int, what: str) -> str:
    """`1 event`, `3 events`, `no events`."""
    return f"{count} {what}" if count == 1 else f"{count or 'no'} {what}s"


def _events(stimulus: Stimulus) -> str:
    rows = emits(stimulus)
    text = counted(len(rows), "event")
    if 1 < len(rows) <= _NAMED:
        text += f" ({', '.join(str(next(iter(row.values()))) for row in rows)})"
    if len(rows) == 1:
        shown = json.dumps(rows[0], ensure_ascii=False, separators=(",", ":"))
        text += f" {shown}" if len(shown) <= _SHOWN_CHARS else f" {shown[:_SHOWN_CHARS]}…"
    return text


def shown_text(text: str) -> str:
    """A text as JSON has it, so that what is not seen is seen; only its length where it is long."""
    shown = json.dumps(text)
    return shown if len(shown) <= _SHOWN_CHARS else f"{len(text)} characters"


def _ms(value: float, scale: float) -> str:
    return f"{value * scale:.1f}".removesuffix(".0") + " ms"


def _moment(holder: dict[str, Any], name: str, scale: float) -> str:
    later_ms, after = float(holder.get(f"{name}_ms", 0)), holder.get(f"{name}_after")
    if not after:
        return f"{_ms(later_ms, scale)} after the start"
    behind = f"{_ms(later_ms, scale)} after " if later_ms else "when "
    return f"{behind}event {after} was seen"


def where(cut: dict[str, Any], scale: float) -> str:
    """The place at which a reader is cut off."""
    if "after_ms" in cut:
        return f"after {_ms(cut['after_ms'], scale)}"
    inside = f" and {counted(int(cut['inside']), 'byte')}" if cut.get("inside") else ""
    return f"after {counted(int(cut['after']), 'event').replace('no ', '0 ')}{inside}"


def _reader(row: dict[str, Any], scale: float) -> Iterator[str]:
    yield f"joins {_moment(row, 'join', scale)}"
    for number, visit in enumerate(row["visits"]):
        if visit.get("wait_ms"):
            yield f"waits {_ms(visit['wait_ms'], scale)}"
        if "as" in visit:
            yield f"asks {_AS.get(visit['as'], visit['as'])}"
        elif number or visit["from"] in _WITH:
            yield _BACK[visit["from"]]
        if visit.get("stall_ms"):
            yield f"stalls for {_ms(visit['stall_ms'], scale)}"
        if visit.get("cut"):
            yield f"is cut {where(visit['cut'], scale)}"
