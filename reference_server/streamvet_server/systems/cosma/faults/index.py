"""COS: faults of what only cosma promises: its heads, its queue, its directories and files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import COSMA, STOP, Fault
from streamvet_server.faults.shapes import Make, is_stream, piecing, reads, turned, written
from streamvet_server.seams import Answer, Pause, Piece, Refusal, Scene, Seams, Update
from streamvet_server.systems.cosma.faults.readers import ALIVE, KEEPALIVE, is_rare, left_out, published, with_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamvet_server.seams import Shown

# A head, and the news of a request, have 1 s: one and a half of it, and three quarters.
LATE_S, LEGAL_S = 1.5, 0.75
COLD_READERS = 3  # so many get their heads late: enough that one of them comes while nothing happens
POLL_S, POLLS = 0.03, 60  # between two looks at a directory, and how many there are
LINGER_S = 2.0  # for a reader to come who has seen that the server stops


def _cold(seconds: float) -> Make:
    """The first readers of a server wait for their heads: for a pool, a model, a compiler."""

    def make() -> Seams:
        cold: list[Scene] = []

        def head(scene: Scene, answer: Answer) -> Answer:
            if is_stream(answer) and len(cold) < COLD_READERS:
                cold.append(scene)
            return answer

        def clock(scene: Scene, wait: str, honest_s: float) -> float:
            return seconds if wait == "answer" and any(scene is it for it in cold) else honest_s

        return Seams(head=head, clock=clock)

    return make


def _no_such_path(_scene: Scene, _refusal: Refusal | None) -> Refusal | None:
    return Refusal(404, "not_found", "no such endpoint")


def _pause_told_late(seconds: float) -> Make:
    """Not one that a script tells: it is known by its data, which are an object of their own.

    The stream goes on meanwhile: who is told nothing else gets what keeps it alive.
    """

    def make() -> Seams:
        mark = {"source": "manual"}

        def document(shown: Shown, told: Any) -> Iterable[Any]:
            shown.scene.scratch["late"] = shown.name == "queue_paused" and told["data"] is mark
            return (told,)

        def clock(scene: Scene, wait: str, honest_s: float) -> float:
            if wait == KEEPALIVE:
                scene.scratch["quiet_s"] = honest_s
            return honest_s

        def pieces(shown: Shown, octets: bytes) -> Iterable[Piece]:
            quiet_s = shown.scene.scratch["quiet_s"]
            times = int(seconds / quiet_s)
            return (*(Pause(quiet_s), ALIVE) * times, Pause(seconds - times * quiet_s), octets)

        late = piecing(lambda shown: shown.scene.scratch["late"], pieces)
        marked = published(lambda _update: (Update("queue_paused", mark),), "queue_paused")()
        return Seams(publish=marked.publish, document=document, frame=late.frame, clock=clock)

    return make


def _told_by(operation: str, update: Update) -> Make:
    """What a request that changes nothing tells all the same."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        return updates if updates or scene.operation != operation else (update,)

    return lambda: Seams(publish=publish)


def _created_late() -> Seams:
    """A new file is announced when its item was."""
    waiting: list[Update] = []

    def change(update: Update) -> Iterable[Update]:
        if update.opcode == "file_created":
            waiting.append(update)
            return ()
        told = (update, *waiting)
        waiting.clear()
        return told

    return published(change, "file_created", "queue_item_added", "queue_item_updated")()


def _begin_late() -> Seams:
    """That a file is processed is told behind its events, right before what comes of it."""
    begun: dict[str, Update] = {}

    def change(update: Update) -> Iterable[Update]:
        path = update.data.get("file_path") or update.data["path"]
        if update.opcode != "queue_item_processing":
            late = begun.pop(path, None)
            return (update,) if late is None else (late, update)
        if update.data["action"] != "index":
            return (update,)
        begun[path] = update
        return ()

    return published(change, "queue_item_processing", "queue_item_completed", "file_failed")()


def _same_end() -> Seams:
    """The end of a cooldown as it was told first, however often the cooldown begins anew."""
    ends: dict[str, float] = {}

    def change(update: Update) -> Iterable[Update]:
        end = ends.setdefault(update.data["id"], update.data["cooldown_expires_at"])
        changed = update.opcode == "queue_item_updated" and update.data["status"] == "cooling_down"
        return (with_data(update, cooldown_expires_at=end) if changed and not update.data["retry_count"] else update,)

    return published(change, "queue_item_added", "queue_item_updated")()


def _parsed(update: Update) -> Iterable[Update]:
    """A deletion that begins with an attempt to read the file."""
    if update.data["action"] != "delete":
        return (update,)
    told = {"path": update.data["file_path"], "filename": update.data["file_path"].rpartition("/")[2]}
    failed = Update("file_failed", {**told, "error": "No such file or directory"})
    return (update, Update("file_parsing", told), failed)


def _as_two(update: Update) -> Iterable[Update]:
    gone, come = update.data["src_path"], update.data["dest_path"]
    return (Update("file_deleted", {"path": gone}), Update("file_created", {"path": come}))


def _let_in(_scene: Scene, _refusal: Refusal | None) -> Refusal | None:
    return None


def _on_one_line(value: Any) -> Any:
    return value.replace("\n", " ") if isinstance(value, str) else value


def _cleaned() -> Seams:
    """Paths without newlines, in everything that the server tells of its own."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        if scene.operation == "publish":
            return updates
        return [Update(it.opcode, {key: _on_one_line(value) for key, value in it.data.items()}) for it in updates]

    return Seams(publish=publish)


def _clock(name: str, seconds: float) -> Make:
    return lambda: Seams(clock=lambda _scene, wait, honest_s: seconds if wait == name else honest_s)


def _removes(scene: Scene) -> bool:
    return scene.operation == "remove-item"


def _listed(place: str) -> list[str]:
    """The paths in a directory; none where it is gone."""
    return [str(path) for path in Path(place).iterdir()] if Path(place).is_dir() else []


def _polled_for_good() -> Seams:
    """What is found goes out with what is told next. A file that has gone by the next look is never seen."""
    found: list[str] = []
    looking: set[asyncio.Task[None]] = set()

    async def look(place: str) -> None:
        before = set(_listed(place))
        for _ in range(POLLS):
            await asyncio.sleep(POLL_S)
            now = set(_listed(place))
            found.extend(sorted(now - before))
            before |= now

    def publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        for update in updates:
            if update.opcode == "watch_removed":
                task = asyncio.create_task(look(str(update.data["path"])))
                looking.add(task)
                task.add_done_callback(looking.discard)
        late = [Update("file_created", {"path": path}) for path in found] if updates else []
        if late:
            found.clear()
        return [*late, *updates]

    return Seams(publish=publish)


# Second ways to violate the same, each of which one stimulus exists for.
OCCASIONS = ("polled-for-good",)

FAULTS: tuple[Fault, ...] = (
    Fault("first-heads-late", "COS-01", COSMA, "The first readers get their heads after 1.5 s.", _cold(LATE_S)),
    Fault("first-heads-late-but-legal", None, COSMA, "The first readers get their heads after 0.75 s.", _cold(LEGAL_S)),
    Fault(
        "no-slash", "COS-02", COSMA, "The stream is not found under its path with a slash.",
        turned(reads, "slash", _no_such_path),
    ),
    Fault(
        "no-space-after-data", "COS-03", COSMA, "A data field has no space after its colon.",
        written(is_rare, lambda octets: octets.replace(b"\ndata: ", b"\ndata:", 1)), rare=True,
    ),
    Fault("resume-untold", "COS-04", COSMA, "The resumption of the queue is not announced.", left_out("queue_resumed")),
    Fault("pause-told-late", "COS-20", COSMA, "A pause is announced after 1.5 s.", _pause_told_late(LATE_S)),
    Fault("pause-told-late-but-legal", None, COSMA, "A pause is announced after 0.75 s.", _pause_told_late(LEGAL_S)),
    Fault(
        "pause-told-again", "COS-05", COSMA, "The pausing of a paused queue is announced.",
        _told_by("pause", Update("queue_paused", {"source": "manual"})),
    ),
    Fault("creation-untold", "COS-06", COSMA, "A new file is not announced.", left_out("file_created")),
    Fault("change-untold", "COS-08", COSMA, "The change of a file is not announced.", left_out("file_modified")),
    Fault("deletion-untold", "COS-09", COSMA, "The deletion of a file is not announced.", left_out("file_deleted")),
    Fault(
        "end-of-the-scan-untold", "COS-24", COSMA, "The end of the scan of a directory is not announced.",
        left_out("directory_processing_completed"),
    ),
    Fault("creation-told-after-its-item", "COS-21", COSMA, "A new file is announced after its item.", _created_late),
    Fault(
        "processing-told-late", "COS-07", COSMA, "The processing of an item is announced after the events of its file.",
        _begin_late,
    ),
    Fault(
        "cooldown-not-begun-anew", "COS-23", COSMA, "A change of a file announces the earlier end of the cooldown.",
        _same_end,
    ),
    Fault(
        "deletion-parses", "COS-22", COSMA, "A file that is gone is parsed before it is forgotten.",
        published(_parsed, "queue_item_processing"),
    ),
    Fault(
        "rename-told-as-two", "COS-10", COSMA, "A rename is announced as a deletion and a creation.",
        published(_as_two, "file_moved"),
    ),
    Fault(
        "directory-rename-untold", "COS-11", COSMA,
        "The rename of a directory is not announced.", left_out("directory_moved")
    ),
    Fault("giving-up-untold", "COS-12", COSMA, "A failed item is not announced.", left_out("queue_item_failed")),
    Fault(
        "removal-untold", "COS-13", COSMA,
        "The removal of an item is not announced.", left_out("queue_item_removed"),
    ),
    Fault(
        "unknown-item-removed", "COS-14", COSMA, "The removal of an unknown item succeeds.",
        turned(_removes, "exists", _let_in),
    ),
    Fault("watch-untold", "COS-15", COSMA, "A new watch of a directory is not announced.", left_out("watch_started")),
    Fault(
        "polled-for-good", "COS-16", COSMA,
        "A directory that is no longer watched is still scanned now and then, and a new file in it is announced.",
        _polled_for_good,
    ),
    Fault("unwatch-untold", "COS-16", COSMA, "The end of the watch of a directory is not announced.",
          left_out("watch_removed")),
    Fault(
        "pause-holds-nothing", "COS-17", COSMA, "A paused queue continues.",
        turned(lambda scene: scene.operation == "work", "paused", _let_in),
        standing="it holds for the queue, which works for all readers",
    ),
    Fault(
        "readers-let-in-at-the-end", "COS-18", COSMA,
        "For two seconds after the request to stop, the server accepts readers.",
        _clock("linger", LINGER_S), standing=STOP,
    ),
    Fault("paths-on-one-line", "COS-19", COSMA, "Newlines in paths become blanks.", _cleaned),
)  # fmt: skip
