"""CAT: faults of what a reader gets that comes late, comes back, or comes after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import CRASH, GHOSTLY, PROMPTFLOE, Fault
from streamvet_server.faults.fitted import Fitted, remembered_of
from streamvet_server.faults.memory import Memory, finished_when_joined, joined_late, remembered
from streamvet_server.faults.shapes import Make, reads, turned, whole
from streamvet_server.log import now_ms
from streamvet_server.seams import Cause, Entry, Refusal, Scene, Seams, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.faults.traits import Traits

# What comes first has 1 s: one and a half of it, and three quarters.
FIRST_LATE_S, FIRST_LEGAL_S = 1.5, 0.75
# A run that nobody reads is kept for 300 s, which it must survive to 80 %, and ended within 10 s more, scaled, but no
# less than 100 ms (the contract's figures). EARLY is behind the record of a run whose reader had returned, at 65 %.
EARLY, EARLY_LEGAL = 0.72, 0.9
_TOLERANCE_SHARE, _LEAST_TOLERANCE_S = 10 / 300, 0.1
LATE, LATE_LEGAL = 1.5, 0.5
SEAM_EVENTS = 3  # in a replay of which one is lost
YOUNG_MS = 40  # what is lost between replay and live is not older
_MALFORMED = "invalid_request"


def _incomplete(own: Traits, _memory: Memory) -> Seams:
    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        if not (whole(scene) and finished_when_joined(scene)):
            return entries
        return [entry for entry in entries if entry.document.get("type") != own.rare_type]

    return Seams(replay=replay)


def _seam_lost(own: Traits, memory: Memory) -> Seams:
    """The youngest event of a replay is in neither: read too late for the one, subscribed too late for the other.

    Of short replays it is not: their readers are those that are cut before anything says what they lack.
    """

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        joins = whole(scene) and joined_late(memory, scene) and scene.run not in memory.recalled
        young = len(entries) >= SEAM_EVENTS and now_ms() - entries[-1].at_ms <= YOUNG_MS
        return entries[:-1] if joins and young and not any(own.ends(entry.document) for entry in entries) else entries

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


def _cursor_skips(own: Traits) -> Seams:
    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        skips = scene.query.get("cursor") and len(entries) > 1 and not scene.scratch.get("skipped")
        scene.scratch["skipped"] = True
        return entries[1:] if skips and not own.ends(entries[0].document) else entries

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


def _never_stopped() -> Seams:
    """The clock that starts when a reader leaves; that of a run which nobody has read yet is stopped."""
    deserted: set[str | None] = set()

    def left(scene: Scene) -> Cause | None:
        deserted.add(scene.run)
        return None

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        return 1.0 if wait == "returned" and scene.run in deserted else seconds

    return Seams(clock=clock, left=left)


def _tolerance_s(life_s: float) -> float:
    return max(life_s * _TOLERANCE_SHARE, _LEAST_TOLERANCE_S)


def _id_taken_for_seq(own: Traits) -> Seams:
    """Last-Event-ID counts the events of a connection, the first status too: taken for a seq it is one too many."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        given = scene.headers.get("Last-Event-ID", "")
        after = int(given) if given.isascii() and given.isdigit() else 0
        return [entry for entry in entries if entry.number > after or own.ends(entry.document)]

    return Seams(replay=replay)


def _forgetting(count: int) -> Make:
    """So many of the last events of an active run are not found again."""
    return lambda: Seams(
        recall=lambda _scene, status, newest: max(0, newest - count) if status == "running" else newest
    )


def _told_anew(memory: Memory) -> Seams:
    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return ({**told, "recovered": True},) if shown.scene.run in memory.recalled else (told,)

    return Seams(document=document)


def _second_unnamed() -> Seams:
    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return ({key: it for key, it in told.items() if key != "id"} if shown.number == 2 else told,)

    return Seams(document=document)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "finished-run-incomplete", "CAT-02", GHOSTLY + PROMPTFLOE, "The replay of a finished run lacks an event.",
        remembered_of(_incomplete),
    ),
    Fault(
        "lost-between-replay-and-live", "CAT-03", GHOSTLY + PROMPTFLOE,
        "A reader that joins an active run misses the event before it goes live.",
        remembered_of(_seam_lost),
    ),
    Fault(
        "repeated-between-replay-and-live", "CAT-04", GHOSTLY + PROMPTFLOE,
        "A reader that joins an active run gets the last replayed event again.",
        remembered(_seam_repeated),
    ),
    Fault(
        "cursor-skips-one", "CAT-05", PROMPTFLOE,
        "The event right after the cursor is left out.", Fitted(_cursor_skips),
    ),
    Fault(
        "cursor-inclusive", "CAT-06", PROMPTFLOE, "The event at the cursor comes again.",
        lambda: Seams(resume=_inclusive),
    ),
    Fault(
        "replay-marked", "CAT-07", GHOSTLY + PROMPTFLOE, "A replayed event has a key that the live one did not have.",
        remembered(_marked),
    ),
    Fault(
        "malformed-cursor-restarts", "CAT-08", PROMPTFLOE, "A malformed cursor replays the run from its start.",
        _cursor_check(lambda refusal: refusal.code == _MALFORMED),
    ),
    Fault(
        "unknown-cursor-restarts", "CAT-09", PROMPTFLOE,
        "A cursor that the run never issued replays it from its start.",
        _cursor_check(lambda refusal: refusal.code != _MALFORMED),
    ),
    Fault(
        "empty-cursor-refused", "CAT-10", PROMPTFLOE, "An empty cursor is refused.",
        turned(reads, "cursor", _empty_refused),
    ),
    Fault(
        "second-event-without-cursor", "CAT-21", PROMPTFLOE, "The second event of a run has no cursor.", _second_unnamed
    ),
    Fault(
        "detached-ended-early", "CAT-11", PROMPTFLOE, "A run without readers is ended at 72 % of its time.",
        _life(lambda life_s: life_s * EARLY),
    ),
    Fault(
        "detached-ended-early-but-legal", None, PROMPTFLOE, "A run without readers is ended at 90 % of its time.",
        _life(lambda life_s: life_s * EARLY_LEGAL),
    ),
    Fault(
        "detached-ended-late", "CAT-12", PROMPTFLOE,
        "A run without readers lives one and a half times as long as it may.",
        _life(lambda life_s: LATE * (life_s + _tolerance_s(life_s))),
    ),
    Fault(
        "detached-ended-late-but-legal", None, PROMPTFLOE, "A run without readers uses half of its tolerance.",
        _life(lambda life_s: life_s + LATE_LEGAL * _tolerance_s(life_s)),
    ),
    Fault(
        "returning-stops-no-clock", "CAT-22", PROMPTFLOE,
        "A run is ended when its time without readers is over, whether or not one has returned.",
        _never_stopped,
    ),
    Fault(
        "deserted-run-goes-on", "CAN-06", PROMPTFLOE,
        "A run without readers continues for one and a half times as long as it may.",
        _life(lambda life_s: LATE * (life_s + _tolerance_s(life_s))), fixture=True,
    ),
    Fault("last-event-id-as-seq", "CAT-13", GHOSTLY, "Last-Event-ID is taken for a seq.", Fitted(_id_taken_for_seq)),
    Fault(
        "last-events-lost-in-crash", "CAT-14", GHOSTLY,
        "After a restart the last two events of an active run are gone.",
        _forgetting(2), standing=CRASH,
    ),
    Fault(
        "last-event-lost-in-crash", "CAT-20", GHOSTLY, "After a restart the last event of an active run is gone.",
        _forgetting(1), standing=CRASH,
    ),
    Fault(
        "history-told-anew", "CAT-15", PROMPTFLOE, "After a restart a run has different events.",
        remembered(_told_anew), standing=CRASH,
    ),
    Fault(
        "runs-lost-in-crash", "CAT-16", PROMPTFLOE, "After a restart no run is known.",
        lambda: Seams(recall=lambda _scene, _status, _newest: None), standing=CRASH,
    ),
)  # fmt: skip
