"""COS, of directories: what is told of what was done in a watched one, and of its being watched.

A candidate may tell more than is asked for here, such as a change after a creation. Must not know the queue's pace.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from streamvet.checks.cosma_events import (
    Deed,
    Judged,
    attached,
    deeds,
    first_after,
    folded,
    item_of,
    made,
    missing,
    noticed_us,
    of_deeds,
    told,
    told_us,
    wrong,
)
from streamvet.decode import streams
from streamvet.outcome import NotExercised

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

# A name with anything else is COS-19's.
_PLAIN = re.compile(r"[A-Za-z0-9._ -]+")

# What a watcher tells of one path.
_ON_DISK = ("file_created", "file_modified", "file_deleted", "directory_deleted")


def is_plain(path: str) -> bool:
    """Whether nothing in the last name of a path needs care."""
    return _PLAIN.fullmatch(PurePath(path).name) is not None


def is_paused(trace: Trace) -> bool:
    """Whether the queue was paused in this try: what waits then waits for something else than its cooldown."""
    return any(x.operation == "trigger:pause" for x in trace.exchanges)


def _announced(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """A file that was made: file_created, then queue_item_added."""
    within_us = noticed_us(one.profile)
    created = first_after(told(one, "file_created", path=deed.path), deed.at_us)
    if created is None:
        want, instead = f"file_created of {deed.path!r}", _instead(trace, one, deed)
        return missing(one, want, deed.at_us, within_us, deed.until_us, seen=instead)
    item = item_of(one, deed.path, deed.at_us)
    want = f"queue_item_added of {deed.path!r} after its file_created"
    if item is None:
        return missing(one, want, created.at_us, within_us, deed.until_us)
    return [] if item.span > created.span else wrong(one, want, item)


def _instead(trace: Trace, one: Reading, deed: Deed) -> str:
    """What was told of a file that nobody made, in place of one that was."""
    known = {other.path for other in deeds(trace, one)}
    folder = str(PurePath(deed.path).parent)
    for event in told(one, "file_created"):
        path = str(event.data.get("path"))
        if event.at_us >= deed.at_us and path not in known and path.startswith(folder):
            return f"file_created of {path!r}"
    return "none"


def announced(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-06."""
    if is_paused(trace) or not is_plain(deed.path):
        return NotExercised("no file of a plain name was made in a watched directory")
    return _announced(trace, one, deed)


def faithful(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-19."""
    if is_paused(trace) or is_plain(deed.path):
        return NotExercised("no file whose name has emoji, quotes or newlines was made in a watched directory")
    return _announced(trace, one, deed)


def moved(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-10, and COS-11 of a directory."""
    kind = "directory_moved" if deed.did.startswith("directory") else "file_moved"
    if first_after(told(one, kind, src_path=deed.path, dest_path=deed.to), deed.at_us):
        return []
    want = f"{kind} from {deed.path!r} to {deed.to!r}"
    halves = [*told(one, kind, src_path=deed.path), *told(one, kind, dest_path=deed.to)]
    half = first_after(halves, deed.at_us)
    if half is not None:
        return wrong(one, want, half)
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us, seen=_in_its_place(one, deed))


def _in_its_place(one: Reading, deed: Deed) -> str:
    """What else was told of either path once something was renamed."""
    paths = (deed.path, deed.to)
    events = [event for path in paths for event in told(one, *_ON_DISK, path=path) if event.at_us >= deed.at_us]
    return " and ".join(f"{event.kind} of {PurePath(event.data['path']).name!r}" for event in events) or "none"


def directories(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-11."""
    if deed.to:
        return moved(trace, one, deed)
    if first_after(told(one, "directory_deleted", path=deed.path), deed.at_us):
        return []
    want = f"directory_deleted of {deed.path!r}"
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us)


def _place(path: Any) -> str:
    """A directory's path; a slash at its end makes no difference."""
    return str(path).rstrip("/")


def _telling(trace: Trace, profile: Profile, operation: str, *wanted: tuple[str, ...]) -> list[Judged]:
    """For each such request about a directory, and each of these groups, whether one of the group was told."""
    judged: list[Judged] = []
    for x in made(trace, profile, operation):
        place = _place(x.about.get("subject"))
        for one in streams(trace, profile):
            if not attached(one, x):
                continue
            for kinds in wanted:
                events = [event for event in told(one, *kinds) if event.at_us >= x.sent_us]
                if any(_place(event.data.get("path")) == place for event in events):
                    judged.append([])
                else:
                    judged.append(missing(one, f"{' or '.join(kinds)} of {place!r}", x.ended_us, told_us(profile)))
    return judged


def watch_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-15."""
    wanted = ("watch_started", "watch_added"), ("directory_processing_started",)
    return folded(_telling(trace, profile, "trigger:watch", *wanted), "no directory was to be watched")


def unwatch_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-16."""
    judged = _telling(trace, profile, "trigger:unwatch", ("watch_removed",))
    return folded(judged, "the watching of no directory was ended")


CHECKS: dict[str, Check] = {
    "COS-06": of_deeds("no file was made in a watched directory", announced, "created"),
    "COS-10": of_deeds("no file was renamed in a watched directory", moved, "renamed"),
    "COS-11": of_deeds(
        "no directory was renamed or removed in a watched one", directories, "directory renamed", "directory removed"
    ),
    "COS-15": watch_told,
    "COS-16": unwatch_told,
    "COS-19": of_deeds("no file was made in a watched directory", faithful, "created"),
}
