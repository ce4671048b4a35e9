"""CAT: faults of what a reader gets that comes late, comes back, or comes after a restart."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import BOTH, COSMA, FLEET, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fleet import to_returned
from streamvet_server.faults.memory import Memory, finished_when_joined, joined_late, remembered
from streamvet_server.faults.shapes import RARE_TYPES, Make, is_stream, opening, piecing, reads, turned, whole
from streamvet_server.faults.updates import KEEPALIVE, Audience, heard
from streamvet_server.ghostly_work import SETTLED
from streamvet_server.log import now_ms
from streamvet_server.promptfloe_work import TERMINAL
from streamvet_server.seams import Answer, Close, Entry, Pause, Refusal, Scene, Seams, Shown, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# The first status has 1 s: one and a half of it, and three quarters.
FIRST_LATE_S, FIRST_LEGAL_S = 1.5, 0.75
# A run that nobody reads is kept for 300 s, which it must survive to 80 %, and ended within 10 s more, scaled, but no
# less than 100 ms (the contract's figures).
EARLY, EARLY_LEGAL = 0.55, 0.9
_TOLERANCE_SHARE, _LEAST_TOLERANCE_S = 10 / 300, 0.1
LATE, LATE_LEGAL = 1.5, 0.5
EARLIER_LINES = 200  # more than what else is said between two pushes that follow each other
YOUNG_MS = 40  # what is lost between replay and live is not older
_MALFORMED = "invalid_request"


def _first_late(seconds: float) -> Callable[[Memory], Seams]:
    """The first status of a run that has emitted something comes late, as if computed from all of that."""

    def build(memory: Memory) -> Seams:
        return piecing(
            lambda shown: opening(shown) and shown.name == "status.running" and shown.scene.run in memory.emitting,
            lambda _shown, octets: (Pause(seconds), octets),
        )

    return build


def _ends_a_run(entry: Entry) -> bool:
    return SETTLED in entry.document or entry.document.get("type") in TERMINAL


def _incomplete(_memory: Memory) -> Seams:
    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        if not (whole(scene) and finished_when_joined(scene)):
            return entries
        return [entry for entry in entries if entry.document.get("type") not in RARE_TYPES]

    return Seams(replay=replay)


def _seam_lost(memory: Memory) -> Seams:
    """The youngest event of a replay is in neither: read too late for the one, subscribed too late for the other."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        joins = whole(scene) and joined_late(memory, scene) and scene.run not in memory.recalled
        young = entries and now_ms() - entries[-1].at_ms <= YOUNG_MS
        return entries[:-1] if joins and young and not any(map(_ends_a_run, entries)) else entries

    return Seams(replay=replay)


def _seam_repeated(memory: Memory) -> Seams:
    """The last event of a replay comes again as the first live one."""

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        scene = shown.scene
        if shown.number is None or not joined_late(memory, scene) or not whole(scene) or scene.run in memory.recalled:
            return (told,)
        if shown.replayed:
            scene.scratch["replayed"] = told
            return (told,)
        again = scene.scratch.pop("replayed", None)
        return (told,) if again is None else (again, told)

    return Seams(document=document)


def _cursor_skips() -> Seams:
    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        skips = scene.query.get("cursor") and len(entries) > 1 and not scene.scratch.get("skipped")
        scene.scratch["skipped"] = True
        return entries[1:] if skips and not _ends_a_run(entries[0]) else entries

    return Seams(replay=replay)


def _inclusive(scene: Scene, cursor: int) -> int:
    return max(0, cursor - 1) if "cursor" in scene.query else cursor


def _marked(memory: Memory) -> Seams:
    def document(shown: Shown, told: Any) -> Iterable[Any]:
        marked = shown.replayed and shown.number is not None and shown.scene.run not in memory.recalled
        return ({**told, "replayed": True},) if marked else (told,)

    return Seams(document=document)


def _cursor_check(accepts: Callable[[Refusal], bool]) -> Make:
    return turned(reads, "cursor", lambda _scene, refusal: None if refusal and accepts(refusal) else refusal)


def _empty_refused(scene: Scene, refusal: Refusal | None) -> Refusal | None:
    return Refusal(400, _MALFORMED, "the cursor is empty") if scene.query.get("cursor") == "" else refusal


def _life(life_s: Callable[[float], float]) -> Make:
    return lambda: Seams(clock=lambda _scene, wait, seconds: life_s(seconds) if wait == "detach" else seconds)


def _tolerance_s(life_s: float) -> float:
    return max(life_s * _TOLERANCE_SHARE, _LEAST_TOLERANCE_S)


def _id_taken_for_seq() -> Seams:
    """Last-Event-ID counts the events of a connection, the first status too: taken for a seq it is one too many."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        given = scene.headers.get("Last-Event-ID", "")
        after = int(given) if given.isascii() and given.isdigit() else 0
        return [entry for entry in entries if entry.number > after or _ends_a_run(entry)]

    return Seams(replay=replay)


def _last_forgotten(_scene: Scene, status: str, newest: int) -> int:
    return max(0, newest - 1) if status == "running" else newest


def _told_anew(memory: Memory) -> Seams:
    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return ({**told, "recovered": True},) if shown.scene.run in memory.recalled else (told,)

    return Seams(document=document)


def _earlier_lines() -> Seams:
    """Of the first step of a session, which may come any number of times."""
    earlier: deque[Any] = deque(maxlen=EARLIER_LINES)

    def document(shown: Shown, line: Any) -> Iterable[Any]:
        if shown.name != "redacting":
            return (line,)
        repeated = tuple(earlier) if opening(shown) and "Last-Event-ID" in shown.scene.headers else ()
        earlier.append(line)
        return (*repeated, line)

    return Seams(document=document)


def _last_again(audience: Audience) -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer) and not whole(scene):
            scene.scratch["missed"] = audience.last
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        missed = None if shown.name == KEEPALIVE else shown.scene.scratch.pop("missed", None)
        return (told,) if missed is None else ({"opcode": missed.opcode, "data": missed.data}, told)

    return Seams(head=head, document=document)


def _untold_after_crash() -> Seams:
    """A server that a suite has just started is told to forget everything first; one that was restarted is not."""
    begun: list[bool] = []

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        if scene.operation == "reset":
            begun.append(True)
        return updates

    def head(scene: Scene, answer: Answer) -> Answer:
        if is_stream(answer) and not begun:
            begun.append(True)
            scene.scratch["untold"] = True
        return answer

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return () if "untold" in shown.scene.scratch else (told,)

    return Seams(publish=publish, head=head, document=document)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "first-status-late", "CAT-01",
        GHOSTLY, "Who joins a run that has emitted something gets its status after 1.5 s.",
        remembered(_first_late(FIRST_LATE_S)),
    ),
    Fault(
        "first-status-late-but-legal",
        None, GHOSTLY, "Who joins a run that has emitted something gets its status after 0.75 s.",
        remembered(_first_late(FIRST_LEGAL_S)),
    ),
    Fault(
        "snapshot-late", "CAT-01", FLEET, "Who comes back after a restart gets its snapshot after 1.5 s.",
        to_returned(lambda octets: (Pause(FIRST_LATE_S), octets)),
    ),
    Fault(
        "snapshot-late-but-legal", None, FLEET, "Who comes back after a restart gets its snapshot after 0.75 s.",
        to_returned(lambda octets: (Pause(FIRST_LEGAL_S), octets)),
    ),
    Fault(
        "finished-run-incomplete", "CAT-02", BOTH, "The replay of a finished run lacks an event.",
        remembered(_incomplete),
    ),
    Fault(
        "lost-between-replay-and-live", "CAT-03", BOTH, "Who joins an active run misses the event before it goes live.",
        remembered(_seam_lost),
    ),
    Fault(
        "repeated-between-replay-and-live", "CAT-04",
        BOTH, "Who joins an active run gets the last replayed event again.",
        remembered(_seam_repeated),
    ),
    Fault("cursor-skips-one", "CAT-05", PROMPTFLOE, "The event right after the cursor is left out.", _cursor_skips),
    Fault(
        "cursor-inclusive", "CAT-06", PROMPTFLOE, "The event at the cursor comes again.",
        lambda: Seams(resume=_inclusive),
    ),
    Fault(
        "replay-marked", "CAT-07", BOTH, "A replayed event has a key that the live one had not.",
        remembered(_marked),
    ),
    Fault(
        "malformed-cursor-restarts", "CAT-08", PROMPTFLOE, "A malformed cursor replays the run from its start.",
        _cursor_check(lambda refusal: refusal.code == _MALFORMED),
    ),
    Fault(
        "unknown-cursor-restarts", "CAT-09", PROMPTFLOE, "A cursor that the run never gave replays it from its start.",
        _cursor_check(lambda refusal: refusal.code != _MALFORMED),
    ),
    Fault(
        "empty-cursor-refused", "CAT-10", PROMPTFLOE, "An empty cursor is refused.",
        turned(reads, "cursor", _empty_refused),
    ),
    Fault(
        "detached-ended-early", "CAT-11", PROMPTFLOE, "A run without readers is ended at 55 % of its time.",
        _life(lambda life_s: life_s * EARLY),
    ),
    Fault(
        "detached-ended-early-but-legal", None, PROMPTFLOE, "A run without readers is ended at 90 % of its time.",
        _life(lambda life_s: life_s * EARLY_LEGAL),
    ),
    Fault(
        "detached-ended-late", "CAT-12",
        PROMPTFLOE, "A run without readers lives one and a half times as long as it may.",
        _life(lambda life_s: LATE * (life_s + _tolerance_s(life_s))),
    ),
    Fault(
        "detached-ended-late-but-legal", None, PROMPTFLOE, "A run without readers uses half of its tolerance.",
        _life(lambda life_s: life_s + LATE_LEGAL * _tolerance_s(life_s)),
    ),
    Fault("last-event-id-as-seq", "CAT-13", GHOSTLY, "Last-Event-ID is taken for a seq.", _id_taken_for_seq),
    Fault(
        "last-event-lost-in-crash", "CAT-14", GHOSTLY, "After a restart the last event of an active run is gone.",
        lambda: Seams(recall=_last_forgotten),
    ),
    Fault(
        "history-told-anew", "CAT-15", PROMPTFLOE, "After a restart a run's events are others.",
        remembered(_told_anew),
    ),
    Fault(
        "runs-lost-in-crash", "CAT-16", PROMPTFLOE, "After a restart no run is known.",
        lambda: Seams(recall=lambda _scene, _status, _newest: None),
    ),
    Fault(
        "lines-of-earlier-pushes", "CAT-17", ROCKSTAR,
        "A client with Last-Event-ID gets lines of earlier pushes first.",
        _earlier_lines,
    ),
    Fault(
        "last-update-again", "CAT-17", COSMA, "A reader with Last-Event-ID gets the update before it came first.",
        heard(_last_again),
    ),
    Fault(
        "first-reader-after-a-crash-untold", "CAT-18", COSMA, "The first reader after a restart is told nothing.",
        _untold_after_crash,
    ),
    Fault(
        "silent-after-a-crash", "CAT-18", FLEET, "Who comes back after a restart has a stream that stays silent.",
        to_returned(lambda _octets: (Close.NEVER,)),
    ),
)  # fmt: skip
