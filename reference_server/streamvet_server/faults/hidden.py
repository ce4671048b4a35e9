"""Faults that no stimulus shows which somebody has thought of: rare texts, and rare moments.

Each takes two things that the pinned stimuli never bring together: two characters, a length and a character, a type and
an outcome, a reader's coming and a number. `streamvet prove` does not run them, `streamvet prove --generated` does.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.endings import as_success
from streamvet_server.faults.fault import BOTH, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.memory import CLOSED, FOUND_ACTIVE, PLACE, Memory, finished_when_joined, remembered
from streamvet_server.faults.shapes import is_stream, reads, type_of, whole
from streamvet_server.faults.texts import in_texts, said, spelt
from streamvet_server.faults.updates import KEEPALIVE, is_own
from streamvet_server.ghostly_work import SETTLED
from streamvet_server.promptfloe_work import TERMINAL
from streamvet_server.seams import Answer, Batch, Cause, Entry, Scene, Seams, Shown, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streamvet_server.faults.shapes import Make

# ---------------------------------------------------------------------------------------------------------- texts

SEPARATORS = "\u0085\u2028\u2029"
BUFFER_OCTETS = 128  # longer than the texts of wide characters that are pinned
CHUNK_UNITS = 16  # of UTF-16, as a writer in JavaScript counts
DIGITS = 15  # what `%.15g` leaves of an integer
LEVELS = 16

# What follows must not be a field of its own: that would be another requirement's.
_BEHIND_EMOJI = re.compile(rb"([\xf0-\xf4][\x80-\xbf]{3})\\n(?!data|event|id|retry|:)")
_CONTROL_AND_DIGIT = re.compile(rb"((?<!\\)(?:\\\\)*)\\u00([01][0-9a-f])(?=[0-9])")


def _raw_newline(string: bytes) -> bytes:
    return _BEHIND_EMOJI.sub(b"\\1\n", string)


def _octal(string: bytes) -> bytes:
    return _CONTROL_AND_DIGIT.sub(lambda found: found[1] + b"\\" + f"{int(found[2], 16):o}".encode(), string)


def _unescaped_end(string: bytes) -> bytes:
    return string[:-2] + b'"' if string.endswith(b'\\\\"') else string


def _cut_at_boundaries(string: bytes) -> bytes:
    """Each character of four octets without those that are in the next buffer."""
    ends = range(BUFFER_OCTETS, len(string) - 1, BUFFER_OCTETS)
    gone: set[int] = set()
    for end in (1 + at for at in ends):
        begin = next((end - back for back in (1, 2, 3) if string[end - back] >= 0xF0), None)
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
    return {key: None if key in ("steps", "files") and it == [] else _no_lists(it) for key, it in value.items()}


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
OF_A_FILE = ("file_parsing", "file_parsed", "file_summarizing", "file_summarized", "file_embedding", "file_embedded")


def _in_bunches(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Make:
    """What a run emits at once, as something else."""

    def append(_scene: Scene, batch: Batch) -> Batch:
        working = batch.cause is Cause.WORK and batch.documents
        return replace(batch, documents=change(batch.documents)) if working else batch

    return lambda: Seams(append=append)


def _newest_of_a_kind(documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    following = [*map(type_of, documents[1:]), None]
    return [it for it, then in zip(documents, following, strict=True) if type_of(it) != then or then not in STATES]


def _sorted_by(key: Callable[[Any], Any], rows: Sequence[Any]) -> list[Any]:
    """The rows with neighbours that have a key in the order of their keys."""
    made: list[Any] = []
    for row in rows:
        at = len(made)
        while key(row) is not None and at and key(made[at - 1]) is not None and key(made[at - 1]) > key(row):
            at -= 1
        made.insert(at, row)
    return made


def _step_or_alias(document: Mapping[str, Any]) -> Any:
    return document.get("stepIndex", document.get("alias") if document["type"] == "augmenter" else None)


def _files_sorted() -> Seams:
    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        key = lambda update: update.data.get("path") if update.opcode in OF_A_FILE else None  # noqa: E731
        return updates if is_own(scene) else _sorted_by(key, updates)

    return Seams(publish=publish)


def _by_the_last(last: Callable[[Mapping[str, Any]], bool | None]) -> Make:
    """A run that fails is told as a success where its last event that says something speaks for one."""

    def make() -> Seams:
        fine: dict[str, bool] = {}

        def append(scene: Scene, batch: Batch) -> Batch:
            run = scene.run or ""
            if batch.cause is Cause.WORK:
                told = [last(it) for it in batch.documents]
                fine[run] = next((it for it in reversed(told) if it is not None), fine.get(run, False))
            return as_success(scene, batch) if batch.cause is Cause.FAILED and fine.get(run) else batch

        return Seams(append=append)

    return make


def _step_succeeded(document: Mapping[str, Any]) -> bool | None:
    return document["type"].endswith("_success") if "stepIndex" in document else None


def _of_type(type_: str) -> Callable[[Mapping[str, Any]], bool | None]:
    return lambda document: type_of(document) == type_


# ------------------------------------------------------------------------------------------------ readers of runs

FULL_PAGES = (8, 16)  # of eight events each
SHORT_RUN_EVENTS = 8  # a page, which runs of few events never fill
JUST_NOW_S = 0.025  # several times what it takes until a server notices that a reader has left


def _ends_a_run(entry: Entry) -> bool:
    return SETTLED in entry.document or entry.document.get("type") in TERMINAL


def _full_page(_memory: Memory) -> Seams:
    """The last event of pages that are full is taken for the first of a page that is never asked for."""

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        joins = whole(scene) and scene.scratch[FOUND_ACTIVE] and scene.scratch[PLACE] > 1
        full = len(entries) in FULL_PAGES and entries[0].number == 1
        return entries[:-1] if joins and full and not any(map(_ends_a_run, entries)) else entries

    return Seams(replay=replay)


def _redelivered(cursors: bool) -> Callable[[Memory], Seams]:
    """What was shown right before a connection was lost is kept for the next reader, who has it from the log too."""

    def build(memory: Memory) -> Seams:
        pending: dict[str, tuple[int, Any]] = {}

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
            takes = first and number and scratch[PLACE] > 1 and whole(scene) is not cursors
            if not takes or number > scratch.get("replayed", 0):
                return (told,)
            del pending[scene.run or ""]
            return (again, told)

        def left(scene: Scene) -> Cause | None:
            number, told, at_s = scene.scratch.get("live", (0, None, 0.0))
            lost = CLOSED not in scene.scratch and memory.cause(scene) is None
            if lost and number > SHORT_RUN_EVENTS and time.monotonic() - at_s < JUST_NOW_S:
                pending[scene.run or ""] = number, told
            return None

        return Seams(document=document, left=left)

    return build


def _bunch_lost(memory: Memory) -> Seams:
    """What a run emitted right before it was cancelled is in no replay; its first events are written at once."""
    newest: dict[str, tuple[Sequence[Entry], float]] = {}
    lost: dict[str, frozenset[int]] = {}

    def keep(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        run = scene.run or ""
        if memory.cause(scene) is None:
            newest[run] = entries, time.monotonic()
        elif memory.cause(scene) is Cause.CANCELLED:
            pending, at_s = newest.get(run, ((), 0.0))
            if time.monotonic() - at_s < JUST_NOW_S:
                lost[run] = frozenset(it.number for it in pending if it.number > SHORT_RUN_EVENTS // 2)
        return entries

    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        if not (whole(scene) and finished_when_joined(scene)):
            return entries
        return [it for it in entries if it.number not in lost.get(scene.run or "", ())]

    return Seams(keep=keep, replay=replay)


def _separators_replayed(memory: Memory) -> Seams:
    """Texts are kept without separators at their ends, and are live as they were said."""
    strip = in_texts(lambda text: text.rstrip(SEPARATORS))

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        return (strip(told) if shown.replayed and shown.scene.run not in memory.recalled else told,)

    return Seams(document=document)


def _compared_as_text() -> Seams:
    def replay(scene: Scene, entries: Sequence[Entry]) -> Sequence[Entry]:
        cursor = scene.query.get("cursor", "")
        return [it for it in entries if str(it.number) > cursor or _ends_a_run(it)]

    return Seams(replay=replay)


def _without_zeros(scene: Scene, cursor: int) -> int:
    return int(str(cursor).rstrip("0") or "0") if reads(scene) else cursor


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
            crowd.readers[0].scratch["skips"] = True

    def document(shown: Shown, told: Any) -> Iterable[Any]:
        skips = shown.name != KEEPALIVE and shown.scene.scratch.pop("skips", False)
        return () if skips else (told,)

    return crowd.over(Seams(document=document), _nothing, gone)


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
        "newline-behind-an-emoji", "SSE-02", GHOSTLY + COSMA, "A newline right behind an emoji is not escaped.",
        spelt(_raw_newline),
    ),
    _row(
        "line-broken-behind-an-emoji", "NDJ-03", PROMPTFLOE + ROCKSTAR,
        "A newline right behind an emoji is not escaped.", spelt(_raw_newline),
    ),
    _row(
        "character-cut-at-a-buffer", "EVT-01", BOTH + ROCKSTAR + COSMA,
        f"A character of four octets that begins before octet {BUFFER_OCTETS} of a text and ends behind it is cut.",
        spelt(_cut_at_boundaries),
    ),
    _row(
        "backslash-at-the-end", "EVT-02", BOTH + ROCKSTAR + COSMA,
        "A backslash that ends a text is not escaped.", spelt(_unescaped_end),
    ),
    _row(
        "control-before-a-digit", "EVT-02", BOTH + ROCKSTAR + COSMA,
        "A control character that a digit follows is written as in C, with octal digits.", spelt(_octal),
    ),
    _row(
        "emoji-over-two-chunks", "EVT-05", BOTH + ROCKSTAR + COSMA,
        f"An emoji of which a half is in the next {CHUNK_UNITS} units of UTF-16 loses that half.",
        said(in_texts(_halved_emoji)),
    ),
    _row(
        "empty-list-as-null", "EVT-08", BOTH, "An empty list of steps or files is null.", said(_no_lists),
    ),
    _row(
        "separators-trimmed", "EVT-09", BOTH + ROCKSTAR + COSMA,
        "A line separator other than CR and LF is trimmed from the end of a text.",
        said(in_texts(lambda text: text.rstrip(SEPARATORS))),
    ),
    _row(
        "fifteen-digits", "EVT-09", BOTH, "An integer of more than fifteen digits is rounded to fifteen.",
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
        "rationale-in-ascii", "EVT-09", GHOSTLY, "The rationale of a heal has question marks for what is not ASCII.",
        said(_in_member("rationale", _ascii)),
    ),
    _row(
        "notes-in-ascii", "EVT-09", PROMPTFLOE, "The notes of a review have question marks for what is not ASCII.",
        said(_in_member("notes", _ascii)),
    ),
    _row(
        "steps-sorted", "ORD-04", BOTH, "Events of several steps, or augmenters, that come at once are sorted by them.",
        _in_bunches(lambda documents: _sorted_by(_step_or_alias, documents)),
    ),
    _row("files-sorted", "ORD-04", COSMA, "Updates of several files that come at once are sorted by file.",
         _files_sorted),
    _row(
        "newest-of-a-kind", "ORD-05", BOTH, "Of two events of one type that come at once the older is left out.",
        _in_bunches(_newest_of_a_kind),
    ),
    _row(
        "last-step-decides", "TRM-06", GHOSTLY, "A run that fails after a step that succeeded passes.",
        _by_the_last(_step_succeeded),
    ),
    _row(
        "insight-decides", "TRM-06", PROMPTFLOE, "A run that fails right after an insight is told as done.",
        _by_the_last(_of_type("insight")),
    ),
    _row(
        "linking-decides", "TRM-06", ROCKSTAR, "A push that fails when plans are linked is told as done.",
        _by_the_last(_of_type("linking_plans")),
    ),
    _row(
        "lost-at-a-full-page", "CAT-03", BOTH, "Who joins when a page of eight events is full misses the last of it.",
        remembered(_full_page),
    ),
    _row(
        "told-again-to-the-next", "CAT-04", BOTH, "What a reader got as it left is told again to the next one.",
        remembered(_redelivered(cursors=False)),
    ),
    _row(
        "told-again-behind-a-cursor", "CAT-06", PROMPTFLOE,
        "What a reader got as it left is told again to who comes back.",
        remembered(_redelivered(cursors=True)),
    ),
    _row(
        "lost-as-it-was-cancelled", "CAT-02", BOTH, "The replay of a cancelled run lacks what it emitted right before.",
        remembered(_bunch_lost),
    ),
    _row(
        "separators-trimmed-in-the-log", "CAT-07", BOTH,
        "A line separator other than CR and LF is trimmed from the end of a replayed text.",
        remembered(_separators_replayed),
    ),
    _row(
        "cursor-compared-as-text", "CAT-05", PROMPTFLOE, "A cursor is compared as a text, so that 10 is before 9.",
        _compared_as_text,
    ),
    _row(
        "cursor-without-zeros", "CAT-06", PROMPTFLOE, "The zeros at the end of a cursor are dropped.",
        lambda: Seams(resume=_without_zeros),
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
