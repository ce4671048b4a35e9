"""COS, of what lies in a watched directory besides files that come into it: other directories, and what was there.

Must not know the queue's pace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.runs import with_role
from streamvet.outcome import NotExercised, finding, shown
from streamvet.systems.cosma.checks.announced import (
    Deed,
    Judged,
    first_after,
    folded,
    missing,
    noticed_us,
    of_deeds,
    told,
    wrong,
)
from streamvet.systems.cosma.checks.directories import heard, of_place, there_before

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Outcome
    from streamvet.trace import Trace

# What is told of a file of its own accord: of a directory that was made, none of it.
_OF_FILES = ("file_created", "file_modified", "file_parsing", "file_skipped")
_HANDLED = ("file_parsing", "file_skipped")


def below(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-29."""
    watched = [e for e in told(one, "watch_started", recursive=True) if deed.path.startswith(str(e.data.get("path")))]
    if not watched:
        return NotExercised("no directory was announced as watched with everything below it")
    if first_after(told(one, "file_created", path=deed.path), deed.at_us):
        return []
    want = f"file_created of {shown(deed.path)}, below the watched directory"
    return missing(one, want, deed.at_us, noticed_us(one.profile), deed.until_us)


def no_file(_trace: Trace, one: Reading, deed: Deed) -> Judged:
    """COS-30. That nothing is told says something only where a file was told of that was made later."""
    events = [*told(one, *_OF_FILES, path=deed.path), *told(one, "queue_item_added", file_path=deed.path)]
    event = first_after(events, deed.at_us)
    if event is not None:
        return wrong(one, f"nothing of {shown(deed.path)}, which is a directory", event)
    if first_after(told(one, "file_created"), deed.at_us):
        return []
    return NotExercised("no file was announced that was made after the directory", due=True)


def scanned(trace: Trace, profile: Profile) -> Outcome:
    """COS-31: of each file that was there when a directory was to be watched."""
    judged: list[Judged] = []
    for one, x in heard(trace, profile, "trigger:watch"):
        over = next(iter(of_place(one, x, "directory_processing_completed")), None)
        for path in there_before(trace, one, x):
            events = [*told(one, "queue_item_added", file_path=path), *told(one, *_HANDLED, path=path)]
            known = min((e for e in events if e.at_us >= x.sent_us), key=lambda e: e.span, default=None)
            if over is None:
                judged.append(NotExercised("the end of the scan of a directory with a file was not announced"))
            elif known is None or known.span > over.span:
                judged.append(wrong(one, f"an item of {shown(path)} before the scan of its directory is over", over))
            else:
                judged.append([])
    return folded(judged, "no watch of a directory with a file in it was requested")


def watch_refused(trace: Trace, profile: Profile) -> Outcome:
    """COS-32."""
    allowed: list[int] = profile.operations["trigger:watch"].raw["unknown"]["status"]
    asked = [x for x in with_role(trace, "trigger-refused") if x.operation == "trigger:watch" and x.head]
    if not asked:
        return NotExercised("no watch was requested of a directory that cannot be watched or is watched already")
    want = f"status {' or '.join(map(str, allowed))}, because it does not exist or is watched already:"
    return [
        finding(x, f"{want} {shown(x.about.get('subject'))}", f"status {x.status}")
        for x in asked
        if x.status not in allowed
    ]


CHECKS: dict[str, Check] = {
    "COS-29": of_deeds("no file was made below a watched directory", below, "created below"),
    "COS-30": of_deeds("no directory was made in a watched one", no_file, "directory made"),
    "COS-31": scanned,
    "COS-32": watch_refused,
}
