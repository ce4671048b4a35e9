"""HBT: faults of heartbeats: too late, put off, of another form, stale, on a finished run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import COSMA, FLEET, GHOSTLY, Fault
from streamvet_server.faults.shapes import Make, opening, piecing, told, written
from streamvet_server.faults.updates import KEEPALIVE, beats, idling
from streamvet_server.log import now_ms
from streamvet_server.seams import Held, Piece, Scene, Seams, Shown
from streamvet_server.wire import iso, sse_block

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of an interval of 15 s a heartbeat may be late by so much, scaled, but not by less than 100 ms (the contract's
# figures). agent-workspace: a poll and a little.
_INTERVAL_S, _LEAST_TOLERANCE_S = 15.0, 0.1
_GHOSTLY_S, _FLEET_S, _COSMA_S = 2.0, 3.5, 1.5
LATE = 1.5  # of what is allowed
LEGAL = 0.5  # of the tolerance: late, and in time
# From an interval to the longest gap without a heartbeat, in seconds.
Gap = Callable[[float], float]
BACK_MS = 500  # a heartbeat of then is still close to now
STALE_MS = 9_000  # the time of a ping may be 5 s off, by a Date that may be 1 s off


def _tolerance_s(interval_s: float, of_15_s: float) -> float:
    return max(interval_s / _INTERVAL_S * of_15_s, _LEAST_TOLERANCE_S)


def _late(tolerance_s: float) -> Gap:
    return lambda interval_s: LATE * (interval_s + _tolerance_s(interval_s, tolerance_s))


def _legal(tolerance_s: float) -> Gap:
    return lambda interval_s: interval_s + LEGAL * _tolerance_s(interval_s, tolerance_s)


def _every(gap_s: Gap) -> Make:
    def clock(_scene: Scene, wait: str, seconds: float) -> float:
        return gap_s(seconds) if wait in ("first-ping", "ping") else seconds

    return lambda: Seams(clock=clock)


def _marking(shown: Shown, octets: bytes) -> Iterable[Piece]:
    """When the last heartbeat was written is remembered."""
    if _ping(shown) or _beat(shown):
        shown.scene.scratch["last_s"] = time.monotonic()
    return (octets,)


def _put_off(gap_s: Gap) -> Make:
    """Each event puts the next ping off by an interval, but no gap gets longer than `gap_s`."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "first-ping":
            scene.scratch.update(interval_s=seconds, last_s=time.monotonic())
        if wait != "quiet":
            return seconds
        interval_s = scene.scratch["interval_s"]
        left_s = scene.scratch["last_s"] + gap_s(interval_s) - time.monotonic()
        return float(max(0.0, min(interval_s, left_s)))

    return lambda: Seams(clock=clock, frame=_marking)


def _put_far_off(gap_s: Gap) -> Make:
    """An event puts the next heartbeat off to the end of a gap of `gap_s`."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "first-ping":
            scene.scratch.update(interval_s=seconds, last_s=time.monotonic())
        if wait != "quiet":
            return seconds
        return float(max(0.0, scene.scratch["last_s"] + gap_s(scene.scratch["interval_s"]) - time.monotonic()))

    return lambda: Seams(clock=clock, frame=_marking)


def _held_back(gap_s: Gap) -> Make:
    """A heartbeat behind which there was only silence is kept back, but an event takes it along."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == "ping":
            scene.scratch["interval_s"] = seconds
        return seconds

    def frame(shown: Shown, octets: bytes) -> Iterable[Piece]:
        scratch = shown.scene.scratch
        if not _beat(shown):
            scratch["busy"] = not shown.replayed
            return (octets,)
        interval_s = scratch["interval_s"]
        return (octets,) if scratch.pop("busy", False) else (Held(octets, gap_s(interval_s) - interval_s),)

    return lambda: Seams(clock=clock, frame=frame)


def _idle(gap_s: Gap, *, after_event: bool) -> Make:
    """The comment that ends a silence behind an event, or behind anything else, comes later."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        return gap_s(seconds) if wait == KEEPALIVE and (beats(scene) == 0) is after_event else seconds

    return lambda: idling(Seams(clock=clock))


def _ping(shown: Shown) -> bool:
    return shown.name == "ping"


def _beat(shown: Shown) -> bool:
    return shown.name == "heartbeat"


def _as_date(_shown: Shown, _document: Any) -> Iterable[Any]:
    return (iso(now_ms()),)


def _stale(_shown: Shown, _document: Any) -> Iterable[Any]:
    return (str(now_ms() - STALE_MS),)


def _finished(shown: Shown) -> bool:
    return opening(shown) and shown.name in ("status.pass", "status.fail")


def _and_ping(_shown: Shown, octets: bytes) -> Iterable[Piece]:
    return (octets, sse_block("ping", str(now_ms())))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "ping-late", "HBT-01", GHOSTLY, "A ping comes after one and a half times what is allowed.",
        _every(_late(_GHOSTLY_S)),
    ),
    Fault(
        "ping-late-but-legal", None, GHOSTLY, "A ping uses half of its tolerance.", _every(_legal(_GHOSTLY_S))
    ),
    Fault(
        "ping-put-off", "HBT-02", GHOSTLY, "Events put a ping off, to one and a half times what is allowed.",
        _put_off(_late(_GHOSTLY_S)),
    ),
    Fault(
        "ping-put-off-but-legal", None, GHOSTLY, "Events put a ping off, by half of its tolerance at most.",
        _put_off(_legal(_GHOSTLY_S)),
    ),
    Fault("ping-as-date", "HBT-03", GHOSTLY, "A ping carries a date, not a number.", told(_ping, _as_date)),
    Fault("ping-stale", "HBT-04", GHOSTLY, "A ping carries the time of nine seconds ago.", told(_ping, _stale)),
    Fault(
        "ping-when-finished", "HBT-05", GHOSTLY, "The replay of a finished run begins with a ping.",
        lambda: piecing(_finished, _and_ping),
    ),
    Fault(
        "heartbeat-late", "HBT-01", FLEET, "In silence a heartbeat comes after one and a half times what is allowed.",
        _held_back(_late(_FLEET_S)),
    ),
    Fault(
        "heartbeat-late-but-legal", None, FLEET, "In silence a heartbeat uses half of its tolerance.",
        _held_back(_legal(_FLEET_S)),
    ),
    Fault(
        "keepalive-late", "HBT-01", COSMA,
        "A comment behind another one comes after one and a half times what is allowed.",
        _idle(_late(_COSMA_S), after_event=False),
    ),
    Fault(
        "keepalive-late-but-legal", None, COSMA, "A comment behind another one uses half of its tolerance.",
        _idle(_legal(_COSMA_S), after_event=False),
    ),
    Fault(
        "keepalive-called-ping", "HBT-03", COSMA, "The comment says ping.",
        written(lambda shown: shown.name == KEEPALIVE, lambda octets: octets.replace(b"keepalive", b"ping")),
    ),
    Fault(
        "keepalive-late-after-an-event", "HBT-07", COSMA,
        "A comment behind an event comes after one and a half times what is allowed.",
        _idle(_late(_COSMA_S), after_event=True),
    ),
    Fault(
        "keepalive-late-after-an-event-but-legal", None, COSMA,
        "A comment behind an event uses half of its tolerance.",
        _idle(_legal(_COSMA_S), after_event=True),
    ),
    Fault(
        "heartbeat-put-off", "HBT-02", FLEET,
        "Events put a heartbeat off, to one and a half times what is allowed.",
        _put_far_off(_late(_FLEET_S)),
    ),
    Fault(
        "heartbeat-put-off-but-legal", None, FLEET, "Events put a heartbeat off, by half of its tolerance at most.",
        _put_far_off(_legal(_FLEET_S)),
    ),
    Fault(
        "heartbeat-stale", "HBT-04", FLEET, "A heartbeat carries the time of nine seconds ago.",
        told(_beat, lambda _shown, told_: ({"ts": told_["ts"] - STALE_MS},)),
    ),
    Fault(
        "heartbeat-goes-back", "HBT-06", FLEET, "Each heartbeat is followed by one of half a second before it.",
        told(_beat, lambda _shown, told_: (told_, {"ts": told_["ts"] - BACK_MS})),
    ),
)  # fmt: skip
