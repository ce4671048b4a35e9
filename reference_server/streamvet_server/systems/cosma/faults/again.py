"""COS: faults of how long an item waits, how often a file has one, and what is stated of it.

They change what is told, not what is done: a queue that did so would be another one for every reader.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.fault import COSMA, Fault
from streamvet_server.faults.shapes import Make, turned
from streamvet_server.seams import Scene, Seams, Update
from streamvet_server.systems.cosma.faults.readers import published, with_data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet_server.seams import Answer, Refusal

STAGES = ("file_parsing", "file_parsed", "file_summarizing", "file_summarized", "file_embedding", "file_embedded",
          "file_complete", "file_failed", "file_skipped")  # fmt: skip
ITEMS = ("queue_item_added", "queue_item_updated", "queue_item_processing", "queue_item_completed",
         "queue_item_failed", "queue_item_removed")  # fmt: skip
OVER = ("queue_item_completed", "queue_item_failed", "queue_item_removed")
HALF, ALMOST = 0.5, 0.95  # of a cooldown; of two seconds a twentieth is what may be early
MINUTE_S = 60
CROWD = 16  # items that wait; more than this is a burst


def _short(part: float) -> Make:
    """A cooldown that is over before the announced time."""

    def make() -> Seams:
        ends: dict[str, float] = {}

        def clock(_scene: Scene, wait: str, honest_s: float) -> float:
            return honest_s * part if wait == "cooldown" else honest_s

        def change(update: Update) -> Iterable[Update]:
            id_, now_s = update.data["id"], time.time()
            if update.opcode in ("queue_item_added", "queue_item_updated"):
                left_s = update.data["cooldown_expires_at"] - now_s
                ends[id_] = now_s + left_s / part if left_s > 0 else update.data["cooldown_expires_at"]
            return (with_data(update, cooldown_expires_at=ends.get(id_, update.data["cooldown_expires_at"])),)

        return Seams(clock=clock, publish=published(change, *ITEMS)().publish)

    return make


def _second_item() -> Seams:
    """What has cooled down and waits for its turn is not found when its file changes: the file gets another item."""
    ends: dict[str, float] = {}
    others: dict[str, str] = {}

    def change(update: Update) -> Iterable[Update]:
        id_, opcode = update.data["id"], update.opcode
        written = opcode == "queue_item_updated" and update.data["action"] == "index" and not update.data["retry_count"]
        if written and time.time() > ends.get(id_, time.time()):
            others[id_] = str(uuid.uuid4())
            ends[id_] = update.data["cooldown_expires_at"]
            return (Update("queue_item_added", {**update.data, "id": others[id_]}),)
        ends[id_] = update.data["cooldown_expires_at"]
        return (with_data(update, id=others.get(id_, id_)),)

    return published(change, *ITEMS)()


def _indexed_once() -> Seams:
    """A file that was processed is known for good: later changes to it are not announced."""
    done: set[str] = set()
    hidden: set[str] = set()

    def change(update: Update) -> Iterable[Update]:
        path = update.data.get("file_path") or update.data["path"]
        if update.opcode == "queue_item_added" and path in done and update.data["action"] == "index":
            hidden.add(path)
        if update.opcode == "queue_item_completed":
            done.add(path)
        return () if path in hidden else (update,)

    return published(change, *ITEMS, *STAGES)()


def _worked_again(update: Update) -> Iterable[Update]:
    """A file whose content is the same goes through all stages."""
    if update.data["reason"] != "content not changed":
        return (update,)
    told = {key: update.data[key] for key in ("path", "filename")}
    stages = ("file_summarizing", "file_summarized", "file_embedding", "file_embedded", "file_complete")
    return tuple(Update(stage, told) for stage in stages)


def _flat() -> Seams:
    """What lies deeper than in a watched directory itself is not told when it is created."""
    watched: set[str] = set()

    def change(update: Update) -> Iterable[Update]:
        path = str(update.data["path"])
        if update.opcode == "watch_started":
            watched.add(path)
            return (update,)
        parents = {str(parent) for parent in Path(path).parents}
        return () if watched & parents and str(Path(path).parent) not in watched else (update,)

    return published(change, "watch_started", "file_created")()


def _directories_too() -> Seams:
    """A directory that is found when a file is created beside it is announced like a file."""
    known: set[str] = set()

    def change(update: Update) -> Iterable[Update]:
        path = Path(str(update.data["path"]))
        place = path if update.opcode == "watch_started" else path.parent
        found = sorted(str(one) for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
        new = [one for one in found if one not in known]
        known.update(found)
        told = [] if update.opcode == "watch_started" else [Update("file_created", {"path": one}) for one in new]
        return (*told, update)

    return published(change, "watch_started", "file_created", "file_modified")()


def _scan_first() -> Seams:
    """The end of a scan is told before what it has found."""
    waiting: dict[str, list[Update]] = {}

    def change(update: Update) -> Iterable[Update]:
        path = str(update.data.get("file_path") or update.data["path"])
        match update.opcode:
            case "directory_processing_started":
                waiting[path] = []
            case "directory_processing_completed":
                return (update, *waiting.pop(path, ()))
            case _:
                held = next((rows for place, rows in waiting.items() if path.startswith(place)), None)
                if held is not None:
                    held.append(update)
                    return ()
        return (update,)

    return published(change, "directory_processing_started", "directory_processing_completed", "queue_item_added")()


def _watches(scene: Scene) -> bool:
    return scene.operation == "watch"


def _let_in(_scene: Scene, _refusal: Refusal | None) -> Refusal | None:
    return None


def _whole_path(update: Update) -> Iterable[Update]:
    return (with_data(update, filename=update.data["path"]),)


def _given_up_at_once() -> Seams:
    """The first failure of an item is announced as its last; later attempts are not announced."""
    over: set[str] = set()
    texts: dict[str, str] = {}

    def change(update: Update) -> Iterable[Update]:
        path = str(update.data.get("file_path") or update.data["path"])
        if update.opcode == "file_failed":
            texts[path] = update.data["error"]
        if path in over:
            return ()
        if update.opcode == "queue_item_updated" and update.data["retry_count"]:
            over.add(path)
            return (Update("queue_item_failed", {**update.data, "error": texts.get(path, "failed")}),)
        return (update,)

    return published(change, *ITEMS, *STAGES)()


def _deletion_cools(update: Update) -> Iterable[Update]:
    cools = update.data["action"] == "delete"
    return (with_data(update, status="cooling_down") if cools else update,)


def _nothing_listed(scene: Scene, answer: Answer) -> Answer:
    if scene.operation != "items" or not isinstance(answer.document, dict):
        return answer
    rows: list[dict[str, Any]] = answer.document.get("items", [])
    kept = [row for row in rows if row["status"] == "processing"]
    return replace(answer, document={**answer.document, "items": kept})


def _in_minutes(update: Update) -> Iterable[Update]:
    left_s = update.data["cooldown_expires_at"] - update.data["enqueued_at"]
    return (with_data(update, cooldown_expires_at=update.data["enqueued_at"] + left_s / MINUTE_S),)


def _dropped_by_a_pause() -> Seams:
    """What is processed when the queue is paused is heard of no more."""
    begun: dict[str, str] = {}
    dropped: set[str] = set()

    def change(update: Update) -> Iterable[Update]:
        if update.opcode == "queue_paused":
            dropped.update(begun.values())
            begun.clear()
            return (update,)
        path = str(update.data.get("file_path") or update.data["path"])
        if update.opcode == "queue_item_processing":
            begun[update.data["id"]] = path
        elif update.opcode in OVER:
            begun.pop(update.data["id"], None)
        return () if path in dropped else (update,)

    return published(change, *ITEMS, *STAGES, "queue_paused")()


def _beyond_the_crowd() -> Seams:
    """Who comes when so many wait is told of, and then forgotten."""
    waiting: set[str] = set()
    lost: set[str] = set()

    def change(update: Update) -> Iterable[Update]:
        path = str(update.data.get("file_path") or update.data["path"])
        if update.opcode == "queue_item_added":
            if len(waiting) >= CROWD:
                lost.add(path)
                return (update,)
            waiting.add(path)
        elif update.opcode in OVER:
            waiting.discard(path)
        return () if path in lost else (update,)

    return published(change, *ITEMS, *STAGES)()


# Second ways to violate the same, each of which one stimulus exists for.
OCCASIONS = ("burst-forgotten",)

FAULTS: tuple[Fault, ...] = (
    Fault("cooldown-halved", "COS-25", COSMA, "An item is processed after half of its cooldown.", _short(HALF)),
    Fault(
        "cooldown-halved-but-legal", None, COSMA, "An item is processed a twentieth before the end of its cooldown.",
        _short(ALMOST),
    ),
    Fault(
        "second-item-of-who-waits", "COS-26", COSMA,
        "A file that changes while its item waits for its turn gets a second item.", _second_item,
    ),
    Fault("indexed-once", "COS-27", COSMA, "The change of a file that was processed gives no item.", _indexed_once),
    Fault(
        "same-content-worked-on", "COS-28", COSMA, "A file that was written with the same content is indexed anew.",
        published(_worked_again, "file_skipped"),
    ),
    Fault("watched-flat", "COS-29", COSMA, "A file in a subdirectory of a watched directory is not announced.", _flat),
    Fault("directories-as-files", "COS-30", COSMA, "A new directory is announced as a new file.", _directories_too),
    Fault(
        "scan-over-first", "COS-31", COSMA,
        "The end of a scan is announced before the items of its files.", _scan_first,
    ),
    Fault(
        "watched-without-place", "COS-32", COSMA, "A watch of a directory that does not exist is accepted.",
        turned(_watches, "exists", _let_in),
    ),
    Fault("whole-path-as-name", "COS-33", COSMA, "The filename is the whole path.", published(_whole_path, *STAGES)),
    Fault(
        "given-up-at-once", "COS-34", COSMA,
        "An item fails for good after its first failed attempt.", _given_up_at_once,
    ),
    Fault(
        "deletion-cools", "COS-35", COSMA, "The deletion of a file cools down.",
        published(_deletion_cools, "queue_item_added", "queue_item_updated"),
    ),
    Fault(
        "waiting-unlisted", "COS-36", COSMA, "The list of the queue has only the items that are being processed.",
        lambda: Seams(head=_nothing_listed),
    ),
    Fault(
        "cooldown-in-minutes", "COS-37", COSMA, "The seconds of a cooldown are stated as minutes.",
        published(_in_minutes, *ITEMS),
    ),
    Fault(
        "pause-drops-work", "COS-38", COSMA,
        "An item that is being processed when the queue is paused is not finished.",
        _dropped_by_a_pause,
    ),
    Fault(
        "burst-forgotten", "COS-17", COSMA, "Items beyond the sixteenth that waits are never processed.",
        _beyond_the_crowd,
    ),
)  # fmt: skip
