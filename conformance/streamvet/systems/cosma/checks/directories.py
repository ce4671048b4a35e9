"""COS, of directories: what is told of what was done in a watched one, and of its being watched.

A candidate may tell more than is asked for here, such as a change after a creation. Must not know the queue's pace.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from streamvet.decode import streams
from streamvet.outcome import NotExercised, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    Told,
    attached,
    behind,
    deeds,
    first_after,
    folded,
    is_paused,
    item_of,
    made,
    missing,
    noticed_us,
    of_deeds,
    told,
    told_us,
    unheeded,
    wrong,
)

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

# A name with anything else is COS-19's.
_PLAIN = re.compile(r"[A-Za-z0-9._ -]+")

# What a watcher tells of one path.
_ON_DISK = ("file_created", "file_modified", "file_deleted", "directory_deleted")


def is_plain(path: str) -> bool:
    """Whether nothing in the last name of a path needs care."""
    return _PLAIN.fullmatch(PurePath(path).name) is not None


def _announced(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """A file that was made: file_created."""
    if first_after(told(one, "file_created", path=deed.path), deed.at_us):
        return []
    want, instead = f"file_created of {shown(deed.path)}", _instead(trace, one, deed)
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us, seen=instead)


def _instead(trace: Trace, one: Reading, deed: Deed) -> str:
    """What was told of a file that nobody made, in place of one that was."""
    event = next(iter(_of_nothing(trace, one, deed, "file_created", "path")), None)
    return f"file_created of {shown(event.data.get('path'))}" if event else "none"


def _of_nothing(trace: Trace, one: Reading, deed: Deed, kind: str, member: str) -> list[Told]:
    """The events of a kind that tell, since a file was made, of one beside it that nobody made."""
    known = {other.path for other in deeds(trace, one)}
    folder = str(PurePath(deed.path).parent)
    paths = [(event, str(event.data.get(member))) for event in told(one, kind) if event.at_us >= deed.at_us]
    return [event for event, path in paths if path not in known and path.startswith(folder)]


def announced(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-06."""
    if is_paused(trace, one.profile, deed.at_us) or not is_plain(deed.path):
        return NotExercised("no file of a plain name was made in a watched directory")
    return _announced(trace, one, deed)


def queued(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-21."""
    created = first_after(told(one, "file_created", path=deed.path), deed.at_us)
    if is_paused(trace, one.profile, deed.at_us) or not is_plain(deed.path):
        return NotExercised("no file of a plain name was made in a watched directory")
    item = item_of(one, deed.path, deed.at_us)
    want = f"queue_item_added of {shown(deed.path)} after its file_created"
    if created is None:
        return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us)
    if item is None:
        return missing(one, want, created.at_us, noticed_us(one.profile), deed.until_us)
    return [] if item.span > created.span else wrong(one, want, item)


def faithful(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-19."""
    if is_paused(trace, one.profile, deed.at_us) or is_plain(deed.path):
        return NotExercised("no file whose name has emoji, quotes or newlines was made in a watched directory")
    judged = _announced(trace, one, deed)
    if judged or item_of(one, deed.path, deed.at_us):
        return judged
    others = _of_nothing(trace, one, deed, "queue_item_added", "file_path")
    return wrong(one, f"an item with the path {shown(deed.path)}", others[0]) if others else judged


def moved(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-10, and COS-11 of a directory."""
    kind = "directory_moved" if deed.did.startswith("directory") else "file_moved"
    if first_after(told(one, kind, src_path=deed.path, dest_path=deed.to), deed.at_us):
        return []
    want = f"{kind} from {shown(deed.path)} to {shown(deed.to)}"
    halves = [*told(one, kind, src_path=deed.path), *told(one, kind, dest_path=deed.to)]
    half = first_after(halves, deed.at_us)
    if half is not None:
        return wrong(one, want, half)
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us, seen=_in_its_place(one, deed))


def _in_its_place(one: Reading, deed: Deed) -> str:
    """What else was told of either path once something was renamed."""
    paths = (deed.path, deed.to)
    events = [event for path in paths for event in told(one, *_ON_DISK, path=path) if event.at_us >= deed.at_us]
    return " and ".join(f"{event.kind} of {shown(PurePath(event.data['path']).name)}" for event in events) or "none"


def directories(trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-11."""
    if deed.to:
        return moved(trace, one, deed)
    if first_after(told(one, "directory_deleted", path=deed.path), deed.at_us):
        return []
    want = f"directory_deleted of {shown(deed.path)}"
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us)


def _place(path: Any) -> str:
    """A directory's path; a slash at its end makes no difference."""
    return str(path).rstrip("/")


def _telling(one: Reading, x: Exchange, *wanted: tuple[str, ...]) -> list[Judged]:
    """Of a request about a directory, and each of these groups, whether one of the group was told."""
    judged: list[Judged] = []
    for kinds in wanted:
        want = f"{' or '.join(kinds)} of {shown(_place(x.about.get('subject')))}"
        late = missing(one, want, x.ended_us, told_us(one.profile))
        judged.append([] if of_place(one, x, *kinds) else late)
    return judged


def of_place(one: Reading, x: Exchange, *kinds: str) -> list[Told]:
    """What was told of the directory that a request is about, from then on."""
    place = _place(x.about.get("subject"))
    return [e for e in told(one, *kinds) if e.at_us >= x.sent_us and _place(e.data.get("path")) == place]


def heard(trace: Trace, profile: Profile, operation: str) -> list[tuple[Reading, Exchange]]:
    """The requests of an operation that worked, with each reader that was there."""
    return [(one, x) for x in made(trace, profile, operation) for one in streams(trace, profile) if attached(one, x)]


def there_before(trace: Trace, one: Reading, x: Exchange) -> list[str]:
    """The files that lay in a directory when it was to be watched."""
    place = _place(x.about.get("subject"))
    return [d.path for d in deeds(trace, one) if d.did == "there before" and str(PurePath(d.path).parent) == place]


def watch_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-15."""
    judged: list[Judged] = []
    for one, x in heard(trace, profile, "trigger:watch"):
        judged += _telling(one, x, ("watch_started", "watch_added"), ("directory_processing_started",))
    return folded(judged, "no watch of a directory was requested")


def scan_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-24."""
    judged: list[Judged] = []
    for one, x in heard(trace, profile, "trigger:watch"):
        if not there_before(trace, one, x):  # how long a file takes that lies in it is nobody's affair
            judged += _telling(one, x, ("directory_processing_completed",))
        flat = [e for e in of_place(one, x, "watch_started") if e.data.get("recursive") is not True]
        judged += [wrong(one, "recursive true, because everything below is watched", e) for e in flat[:1]]
    return folded(judged, "no watch of a directory was requested")


def unwatch_told(trace: Trace, profile: Profile) -> Outcome:
    """COS-16. That nothing is told says something only where a file was told of while the directory was watched."""
    judged: list[Judged] = []
    was_told = False
    for one, x in heard(trace, profile, "trigger:unwatch"):
        judged += _telling(one, x, ("watch_removed",))
        judged += [_unheeded(trace, one, event) for event in of_place(one, x, "watch_removed")[:1]]
        was_told = was_told or any(told(one, "file_created", path=deed.path) for deed in deeds(trace, one))
    outcome = folded(judged, "no watch of a directory was ended")
    if outcome == [] and not was_told:
        return NotExercised("no event named a file while the directory was watched", due=True)
    return outcome


def _unheeded(trace: Trace, one: Reading, over: Told) -> list[Finding]:
    """What is told of something that was done after the watching had ended."""
    since_us = {deed.path: deed.at_us for deed in reversed(unheeded(trace, one))}
    for event in behind(told(one, *_ON_DISK, "queue_item_added"), over):
        path = event.data.get("file_path" if event.kind == "queue_item_added" else "path")
        if isinstance(path, str) and path in since_us and event.at_us >= since_us[path]:
            return wrong(one, "no event of a change after watch_removed", event)
    return []


CHECKS: dict[str, Check] = {
    "COS-06": of_deeds("no file was made in a watched directory", announced, "created"),
    "COS-10": of_deeds("no file was renamed in a watched directory", moved, "renamed"),
    "COS-11": of_deeds(
        "no directory was renamed or removed in a watched one", directories, "directory renamed", "directory removed"
    ),
    "COS-15": watch_told,
    "COS-16": unwatch_told,
    "COS-19": of_deeds("no file was made in a watched directory", faithful, "created"),
    "COS-21": of_deeds("no file was made in a watched directory", queued, "created"),
    "COS-24": scan_told,
}
