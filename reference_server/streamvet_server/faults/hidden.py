"""Faults that no stimulus shows which somebody has thought of: rare texts, and rare moments.

Each takes two things that the pinned stimuli never bring together: two characters, a length and a character, a type and
an outcome, a reader's coming and a number. `streamvet prove` does not run them, `streamvet prove --generated` does.
"""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.endings import as_success
from streamvet_server.faults.fault import BOTH, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.memory import CLOSED, PLACE, Memory, remembered
from streamvet_server.faults.shapes import every, is_stream, reads, told, type_of, whole, written
from streamvet_server.faults.texts import in_texts, said, spelt
from streamvet_server.faults.updates import KEEPALIVE, ORDINARY, is_own
from streamvet_server.ghostly_work import SETTLED
from streamvet_server.log import now_ms
from streamvet_server.promptfloe_work import TERMINAL
from streamvet_server.seams import Answer, Batch, Cause, Entry, Scene, Seams, Shown, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamvet_server.faults.shapes import Make

# ---------------------------------------------------------------------------------------------------------- texts

SEPARATORS = "\u0085\u2028\u2029"
BUFFER_OCTETS = 64  # with the quote; the wide characters that are pinned fit in
CHUNK_UNITS = 16  # of UTF-16, as a writer in JavaScript counts
DIGITS = 15  # what `%.15g` leaves of an integer
LEVELS = 16

# A character of three octets or four. What follows must not be a field of its own: that would be another requirement's.
_BEHIND_WIDE = re.compile(rb"([\xe0-\xf4][\x80-\xbf]{2,3})\\n(?!data|event|id|retry|:)")
_CONTROL_AND_DIGIT = re.compile(rb"((?<!\\)(?:\\\\)*)\\u00(1[0-9a-f]|0[1-9a-f])(?=[0-9A-Fa-f])")


def _raw_newline(string: bytes) -> bytes:
    return _BEHIND_WIDE.sub(b"\\1\n", string)


def _as_in_c(string: bytes) -> bytes:
    return _CONTROL_AND_DIGIT.sub(rb"\1\\x\2", string)


def _twice_data(octets: bytes) -> bytes:
    return octets.replace(b'"data":', b'"data":null,"data":')


def _unescaped_end(string: bytes) -> bytes:
    return string[:-2] + b'"' if string.endswith(b'\\\\"') else string


def _cut_at_buffers(string: bytes) -> bytes:
    """Each character of four octets without those that are in the next buffer."""
    gone: set[int] = set()
    for end in range(BUFFER_OCTETS, len(string), BUFFER_OCTETS):
        begin = next((at for at in range(end - 3, end) if string[at] >= 0xF0), None)
        gone.update(range(end, begin + 4) if begin is not None else ())
    return bytes(octet for at, octet in enumerate(string) if at not in gone) if gone else string


def _halved_emoji(text: str) -> str:
    """Without the second half of an emoji that two chunks share."""
    octets = text.encode("utf-16-le", "surrogatepass")
    units = [octets[at : at + 2] for at in range(0, len(octets), 2)]
    kept = [unit for at, unit in enumerate(units) if at % CHUNK_UNITS or not at or not 0xDC <= unit[1] <= 0xDF]
    return b"".join(kept).decode("utf-16-le", "surrogatepass")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_rounded(it) for it in value]
    large = isinstance(value, int) and abs(value) >= 10**DIGITS
    return int(float(f"{value:.{DIGITS}g}")) if large else value


def _shallow(value: Any, level: int = 1) -> Any:
    """The value without what is nested deeper, as printers of objects for people have it."""
    if not isinstance(value, dict | list) or not value:
        return value
    if level > LEVELS:
        return None
    if isinstance(value, dict):
        return {key: _shallow(it, level + 1) for key, it in value.items()}
    return [_shallow(it, level + 1) for it in value]


def _no_lists(value: Any) -> Any:
    """Empty lists where the schemas want lists, as null."""
    if not isinstance(value, dict):
        return value
    return {key: None if key == "files" and it == [] else _no_lists(it) for key, it in value.items()}


def _as_list(_shown: Shown, document: Any) -> Iterable[Any]:
    """The document with a list for a payload that looks like one, as some libraries decide."""
    payload = document["payload"]
    return ({**document, "payload": list(payload.values())} if "length" in payload else document,)


def _in_member(name: str, change: Callable[[str], str]) -> Callable[[Any], Any]:
    """A change of the text that is a member of this name, wherever it stands."""

    def changed(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: change(it) if key == name and isinstance(it, str) else changed(it) for key, it in value.items()}

    return changed


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


# --------------------------------------------------------------------------------------------- the order of a run


# What tells of a state: only the newest is of interest, a writer may think.
STATES = frozenset(
    {"loop_state", "horizon_start", "horizon_end", "victory_check", "memory_hit", "memory_miss", "progress", "insight"}
)
CHANGES = frozenset({"file_created", "file_modified", "file_deleted", "file_moved"})
MESSAGES = frozenset({"info", "error", "status_update"})


def _in_bunches(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Make:
    """What a run emits at once, as something else."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        working = batch.cause is Cause.WORK and batch.documents
        return replace(batch, documents=change(batch.documents)) if working else batch

    return lambda: Seams(append=append)


def _newest_of_a_kind(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    following = [*map(type_of, documents[1:]), None]
    return [it for it, then in zip(documents, following, strict=True) if type_of(it) != then or then not in STATES]


def _sorted_by_step(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    made: list[Mapping[str, Any]] = []
    for _, group in itertools.groupby(documents, lambda it: "stepIndex" in it):
        rows = list(group)
        made += sorted(rows, key=lambda it: it["stepIndex"]) if "stepIndex" in rows[0] else rows
    return made


def _changes_first() -> Seams:
    """What changed on disk overtakes the message right before it."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        made = list(updates)
        for at in range(1, 1 if is_own(scene) else len(made)):
            if made[at].opcode in CHANGES and made[at - 1].opcode in MESSAGES:
                made[at - 1], made[at] = made[at], made[at - 1]
        return made

    return Seams(publish=publish)


def _told_by(good: Callable[[Mapping[str, Any]], bool], *bad: str) -> Make:
    """A run that fails is told as a success where one of its events speaks for that, and no type does against it."""

    def make() -> Seams:
        fine: set[str] = set()
        failed: set[str] = set()

        def append(scene: Scene, batch: Batch) -> Batch:
            run = scene.run or ""
            if batch.cause is Cause.WORK:
                fine.update({run} if any(map(good, batch.documents)) else ())
                failed.update({run} if any(type_of(it) in bad for it in batch.documents) else ())
            return as_success(scene, batch) if batch.cause is Cause.FAILED and run in fine - failed else batch

        return Seams(append=append)

    return make


def _of_type(*types: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: type_of(document) in types


# ------------------------------------------------------------------------------------------------ readers of runs

SOON_MS = 8  # less than pinned scripts have between two events that come one by one
FEW_EVENTS = 16  # fewer than pinned scripts emit at once
SHORT_RUN_EVENTS = 5  # of the pinned runs that many readers leave
JUST_NOW_S = 0.025  # several times what it takes until a server notices that a reader has left


def _ends_a_run(entry: Entry) -> bool:
    return SETTLED in entry.document or entry.document.get("type") in TERMINAL


def _lost_in_between(_memory: Memory) -> Seams:
    """Who joins in between of two events that follow each other soon misses the second one."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        joins = reads(scene) and whole(scene) and scene.scratch[PLACE] > 1 and entries
        if joins and now_ms() - entries[-1].at_ms <= SOON_MS and entries[-1].number < FEW_EVENTS:
            scene.scratch["joined"] = entries[-1].number, time.monotonic()
        return entries

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        number, at_s = shown.scene.scratch.get("joined", (0, 0.0))
        soon = shown.number == number + 1 and (time.monotonic() - at_s) * 1000 < SOON_MS
        return () if soon and number and not shown.last else (told,)

    return Seams(replay=replay, document=document)


def _redelivered(cursors: bool) -> Callable[[Memory], Seams]:
    """What was shown right before a connection was lost is kept for the next reader, who has it from the log too."""

    def build(memory: Memory) -> Seams:
        pending: dict[str, tuple[int, Any]] = {}
        least = 0 if cursors else SHORT_RUN_EVENTS

        def document(shown: Shown, told: Any) -> Iterable[Any]:
            scene, scratch = shown.scene, shown.scene.scratch
            if shown.number is None:
                return (told,)
            if shown.replayed:
                scratch["replayed"] = shown.number
                return (told,)
            first = not scratch.get("live")
            scratch["live"] = (shown.number, told, time.monotonic())
            number, again = pending.get(scene.run or "", (0, None))
            takes = first and number and scratch[PLACE] > 1 and bool(scene.query.get("cursor")) is cursors
            if not takes or number > scratch.get("replayed", 0):
                return (told,)
            del pending[scene.run or ""]
            return (again, told)

        def left(scene: Scene) -> Cause | None:
            number, told, at_s = scene.scratch.get("live", (0, None, 0.0))
            lost = CLOSED not in scene.scratch and memory.cause(scene) is None
            if lost and number > least and time.monotonic() - at_s < JUST_NOW_S:
                pending[scene.run or ""] = number, told
            return None

        return Seams(document=document, left=left)

    return build


def _separators_replayed(memory: Memory) -> Seams:
    """Texts are kept without separators at their ends, and are live as they were said."""
    strip = in_texts(lambda text: text.rstrip(SEPARATORS))

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        kept = shown.replayed and shown.scene.scratch[PLACE] > 1 and shown.scene.run not in memory.recalled
        return (strip(told) if kept else told,)

    return Seams(document=document)


def _bunch_of_a_cursor(place: Callable[[Sequence[int]], int]) -> Make:
    """A cursor inside of what was emitted at once counts as another place of it."""

    def make() -> Seams:
        bunches: dict[tuple[str | None, int], Sequence[int]] = {}

        def keep(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
            numbers = [it.number for it in entries]
            bunches.update({(scene.run, number): numbers for number in numbers[:-1]})
            return entries

        def resume(scene: Scene, cursor: int) -> int:
            return place(bunches.get((scene.run, cursor), [cursor + 1, cursor])) if cursor else cursor

        return Seams(keep=keep, resume=resume)

    return make


# -------------------------------------------------------------------------------------- readers of everybody's stream


@dataclass(slots=True)
class _Crowd:
    """Who reads now, the longest there first, and when something was published last, to whom."""

    readers: list[Scene] = field(default_factory=list)
    told: tuple[Scene, ...] = ()
    at_s: float = 0.0

    def just_told(self) -> bool:
        """Whether something was published a moment ago to a reader that is still there."""
        return time.monotonic() - self.at_s < JUST_NOW_S and any(it in self.told for it in self.readers)

    def over(self, seams: Seams, come: Callable[[Scene], None], gone: Callable[[Scene], None]) -> Seams:
        """The same seams; who comes and leaves is told, and remembered."""

        def head(scene: Scene, answer: Answer) -> Answer:
            if is_stream(answer):
                come(scene)
                self.readers.append(scene)
            return answer

        def left(scene: Scene) -> None:
            self.readers = [it for it in self.readers if it is not scene]
            gone(scene)

        def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
            made = list(seams.publish(scene, updates))
            if made:
                self.told, self.at_s = tuple(self.readers), time.monotonic()
            return made

        return replace(seams, head=head, left=left, publish=publish)


def _nothing(_scene: Scene) -> None:
    return


def _leaving_skips() -> Seams:
    """Who leaves takes an update from the one that was there first: a list that is changed as it is walked."""
    crowd = _Crowd()

    def gone(_scene: Scene) -> None:
        if crowd.just_told():
            crowd.readers[0].scratch["shifted"] = True

    def publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        for scene in crowd.readers:
            if updates and scene.scratch.pop("shifted", False):
                scene.scratch["skips"] = updates[0].opcode != ORDINARY
        return updates

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        skips = shown.name != KEEPALIVE and shown.scene.scratch.pop("skips", False)
        return () if skips else (told,)

    return crowd.over(Seams(publish=publish, document=document), _nothing, gone)


def _swapped_at_first() -> Seams:
    """Who comes right behind an update gets the first two that follow at once in the other order."""
    crowd = _Crowd()

    def come(scene: Scene) -> None:
        scene.scratch["fresh"] = crowd.just_told()

    def publish(_scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        for scene in crowd.readers:
            if updates and scene.scratch.pop("fresh", False):
                scene.scratch["swaps"] = len(updates) > 1
        return updates

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        scratch = shown.scene.scratch
        if shown.name == KEEPALIVE:
            return (told,)
        if scratch.pop("swaps", False):
            scratch["waits"] = told
            return ()
        waiting = scratch.pop("waits", None)
        return (told,) if waiting is None else (told, waiting)

    return crowd.over(Seams(publish=publish, document=document), come, _nothing)


# ------------------------------------------------------------------------------------------------------- the table


def _row(name: str, id_: str, profiles: tuple[str, ...], note: str, make: Make) -> Fault:
    return Fault(name, id_, profiles, note, make, generated=True)


FAULTS: tuple[Fault, ...] = (
    _row(
        "newline-behind-a-wide-character", "SSE-02", GHOSTLY + COSMA,
        "A newline right behind a character of three octets or four is not escaped.",
        spelt(_raw_newline),
    ),
    _row(
        "line-broken-behind-a-wide-character", "NDJ-03", PROMPTFLOE + ROCKSTAR,
        "A newline right behind a character of three octets or four is not escaped.", spelt(_raw_newline),
    ),
    _row(
        "character-cut-at-a-buffer", "EVT-01", BOTH + ROCKSTAR + COSMA,
        f"A character of four octets that begins before octet {BUFFER_OCTETS} of a text and ends behind it is cut.",
        spelt(_cut_at_buffers),
    ),
    _row(
        "backslash-at-the-end", "EVT-02", BOTH + ROCKSTAR + COSMA,
        "A backslash that ends a text is not escaped.", spelt(_unescaped_end),
    ),
    _row(
        "control-before-a-digit", "EVT-02", BOTH + ROCKSTAR + COSMA,
        "A control character that a hexadecimal digit follows is written as in C.", spelt(_as_in_c),
    ),
    _row(
        "emoji-over-two-chunks", "EVT-05", BOTH + ROCKSTAR + COSMA,
        f"An emoji of which a half is in the next {CHUNK_UNITS} units of UTF-16 loses that half.",
        said(in_texts(_halved_emoji)),
    ),
    _row(
        "empty-list-as-null", "EVT-08", PROMPTFLOE, "An empty list of files is null.", said(_no_lists),
    ),
    _row(
        "separators-trimmed", "EVT-09", BOTH + ROCKSTAR + COSMA,
        "A line separator other than CR and LF is trimmed from the end of a text.",
        said(in_texts(lambda text: text.rstrip(SEPARATORS))),
    ),
    _row(
        "fifteen-digits", "EVT-09", GHOSTLY, "An integer of more than fifteen digits is rounded to fifteen.",
        said(_rounded),
    ),
    _row(
        "nested-cut", "EVT-09", GHOSTLY, f"What is nested in more than {LEVELS} levels is null.", said(_shallow),
    ),
    _row(
        "data-prefix-dropped", "EVT-09", GHOSTLY + COSMA, "A text that begins with the name of a field loses that.",
        said(in_texts(lambda text: text.removeprefix("data:"))),
    ),
    _row(
        "data-key-twice", "EVT-03", GHOSTLY, "A key named data is twice in a payload.", written(every, _twice_data),
    ),
    _row(
        "length-makes-a-list", "EVT-08", GHOSTLY, "A payload with a key named length is told as a list.",
        told(lambda shown: shown.number is not None, _as_list),
    ),
    _row(
        "notes-in-ascii", "EVT-09", PROMPTFLOE, "The notes of a review have question marks for what is not ASCII.",
        said(_in_member("notes", _ascii)),
    ),
    _row(
        "steps-sorted", "ORD-04", GHOSTLY, "Events of several steps that come at once are sorted by step.",
        _in_bunches(_sorted_by_step),
    ),
    _row(
        "changes-first", "ORD-04", COSMA, "What changed on disk overtakes the message right before it.",
        _changes_first,
    ),
    _row(
        "newest-of-a-kind", "ORD-05", BOTH, "Of two events of one type that come at once the older is left out.",
        _in_bunches(_newest_of_a_kind),
    ),
    _row(
        "steps-decide", "TRM-06", GHOSTLY, "A run that fails passes where it had steps and none of them has failed.",
        _told_by(lambda document: "stepIndex" in document, "step_failure", "heal_failure"),
    ),
    _row(
        "result-decides", "TRM-06", PROMPTFLOE, "A skill that fails is done where it had an insight or wrote a file.",
        _told_by(_of_type("insight", "file_written")),
    ),
    _row(
        "linking-decides", "TRM-06", ROCKSTAR, "A push that fails is told as done where it has linked plans.",
        _told_by(_of_type("linking_plans")),
    ),
    _row(
        "lost-in-between", "CAT-03", PROMPTFLOE,
        "Who joins in between of two events that follow each other soon misses the second one.",
        remembered(_lost_in_between),
    ),
    _row(
        "told-again-to-the-next", "CAT-04", GHOSTLY, "What a reader got as it left is told again to the next one.",
        remembered(_redelivered(cursors=False)),
    ),
    _row(
        "told-again-behind-a-cursor", "CAT-06", PROMPTFLOE,
        "What a reader got as it left is told again to who comes back.",
        remembered(_redelivered(cursors=True)),
    ),
    _row(
        "separators-trimmed-in-the-log", "CAT-07", BOTH,
        "A line separator other than CR and LF is trimmed from the end of a replayed text.",
        remembered(_separators_replayed),
    ),
    _row(
        "rest-of-the-bunch-skipped", "CAT-05", PROMPTFLOE,
        "Behind a cursor inside of what was emitted at once the rest of that is left out.",
        _bunch_of_a_cursor(lambda numbers: numbers[-1]),
    ),
    _row(
        "whole-bunch-again", "CAT-06", PROMPTFLOE,
        "Behind a cursor inside of what was emitted at once all of that comes again.",
        _bunch_of_a_cursor(lambda numbers: numbers[0] - 1),
    ),
    _row(
        "leaving-skips-the-next", "ORD-05", COSMA, "Who leaves right behind an update takes the next one from another.",
        _leaving_skips,
    ),
    _row(
        "swapped-for-newcomers", "ORD-06", COSMA, "Who comes right behind an update gets the next two swapped.",
        _swapped_at_first,
    ),
)  # fmt: skip
