"""TRN-20: the head of a stream, which comes when it is asked for and does not wait for something to say.

Must not know SSE or NDJSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import slowest_answer_us
from streamvet.checks.timing import unanswered
from streamvet.decode import opened, streams
from streamvet.framing.frame import Kind
from streamvet.outcome import NotExercised, finding

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace

# What leaves a server in one write, or in two right after each other, arrives within this.
_WITH_HEAD_US = 20_000
# A head that was held back for less is as late as a slow server's.
_HELD_US = 100_000
_HELD_PART = 0.5  # of the time until the first event was due
# Where nobody knows when the run emits: so long, and so many times what other answers of the try take.
_LONG_US, _SLOW_TIMES = 1_000_000, 4
# Who may find a silent stream: from the start, or behind everything that has been said.
_TO_A_SILENCE = ("reader", "watch", "idle", "newcomer", "resumed")


def head_at_once(trace: Trace, profile: Profile) -> Outcome:
    """TRN-20."""
    bound_ms = profile.field("transport.head_within_ms")
    if bound_ms is not None:
        return _within(trace, int(bound_ms))
    found: list[Finding] = []
    exercised = False
    for one in streams(trace, profile):
        x = one.exchange
        if x.head is None or x.role not in _TO_A_SILENCE or x.about.get("finished"):
            continue
        if x.role == "resumed" and x.about.get("cursor_from") != "seen":
            continue
        waited_for = _waited_for(one, x.head.at_us, trace.time_scale)
        if waited_for is None:
            exercised = True
            continue
        took_us = x.head.at_us - x.sent_us
        least_us = _least_us(x, trace, profile, with_beat=waited_for == "heartbeat")
        if took_us - trace.late_at_us(x.head.at_us) >= least_us:
            seen = f"it came after {took_us / 1000:.0f} ms, with the first bytes"
            found.append(finding(x, "the head before the first event", seen, timed=True))
    return found if found or exercised else NotExercised("no stream was silent when it was opened")


def _waited_for(one: Reading, head_us: int, scale: float) -> str | None:
    """What a head came with, None where with nothing: the first event, or a heartbeat that was due.

    With a greeting it came by itself.
    """
    beat = one.profile.heartbeat
    soonest_us = one.exchange.sent_us + _HELD_PART * beat.interval_ms * 1000 * scale if beat else 0.0
    said = [(mark.at_us, "heartbeat") for mark in one.beats[:1] if mark.at_us >= soonest_us]
    said += [(event.at_us, "event") for event in one.events[:1]]
    at_us, what = min(said, default=(0, ""))
    return what if said and not _greeted(one) and at_us - head_us <= _WITH_HEAD_US else None


def _greeted(one: Reading) -> bool:
    """Whether a stream begins with a comment that is no heartbeat: who writes that does not hold the head back."""
    beat = one.profile.heartbeat
    first = next((frame for frame in one.quiet if frame.kind is Kind.COMMENT), None)
    is_beat = first is not None and beat is not None and beat.has_form("comment") and beat.is_like(first.data)
    return first is not None and first.start == 0 and not is_beat


def _within(trace: Trace, bound_ms: int) -> Outcome:
    """The bound of the profile, whatever comes with the head."""
    found: list[Finding] = []
    exercised = False
    for x in trace.exchanges:
        if not (opened(x) or (x.about.get("meant") == "stream" and unanswered(x))):
            continue
        until_us = x.head.at_us if x.head else x.ended_us
        over = until_us - x.sent_us - trace.late_us(x.sent_us, until_us) > bound_ms * 1000
        exercised = exercised or over or x.head is not None
        if over:
            seen = f"after {(until_us - x.sent_us) / 1000:.0f} ms" if x.head else f"none: {x.detail}"
            found.append(finding(x, f"the head within {bound_ms} ms", seen, timed=True))
    return found if found or exercised else NotExercised("no stream was answered")


def _least_us(exchange: Exchange, trace: Trace, profile: Profile, *, with_beat: bool) -> float:
    """How long a head that comes with the first bytes has waited for them at least; else it may be a slow answer."""
    least_us, scale = max(_HELD_US, _SLOW_TIMES * slowest_answer_us(trace)), trace.time_scale
    beat_us = profile.heartbeat.interval_ms * 1000 * scale if profile.heartbeat else float("inf")
    if with_beat:  # which comes an interval after the request, so that it cannot come with the head by itself
        return max(_HELD_PART * beat_us, least_us)
    if profile.streams == "ambient":  # what is published waits for the heads of its readers
        return least_us
    label, script = exchange.about.get("run"), trace.stimulus.get("script")
    starts = (x for x in trace.exchanges if x.operation.startswith("start:") and x.about.get("run") == label)
    start = next(starts, None)
    if script is None or start is None:
        return max(_LONG_US, least_us) if profile.streams == "run" else float("inf")
    due_us = min(_silent_us(script, exchange.sent_us - start.sent_us, scale), beat_us)
    return max(_HELD_PART * due_us, least_us) if due_us >= _HELD_US else float("inf")


def _silent_us(script: list[dict[str, float]], since_us: int, scale: float) -> float:
    """How long a script says nothing from a moment on, for ever where it says nothing any more."""
    now_us = 0.0
    for step in script:
        if "emit" not in step:
            now_us += step["wait_ms"] * 1000 * scale
        elif now_us >= since_us:
            return now_us - since_us
    return float(10 * _LONG_US)
