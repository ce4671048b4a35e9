"""Scripts that the lifecycle tables of a profile allow, and the texts that break framing.

Must not know which probe uses them. Which members an event of a system has is what a `Vocabulary` says; in which
order events may come is read from the profile.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import Lifecycle, matches
from streamvet.contract.templates import TEXT, spelt

if TYPE_CHECKING:
    from streamvet.contract.profile import Operation, Profile

Emit = Mapping[str, Any]
Step = Mapping[str, Any]

# Whether an event may come after others, as far as no table can say that.
Allows = Callable[[Sequence[Emit], Emit], bool]
# From an event type, the place of its key (0, 1, …), a text to carry and what was emitted before: the body of an
# `emit` step, None where no worker can emit this type.
MakeEmit = Callable[[str, int, str, Sequence[Emit]], Emit | None]


def _anything(_before: Sequence[Emit], _emit: Emit) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a script of one system can say. Its functions are of modules, because it travels between processes."""

    emit: MakeEmit
    carriers: tuple[str, ...]  # the types whose payload takes any text, the best first
    allows: Allows = _anything


# Each breaks some reader or writer; see the reports in the requirements SSE-02, NDJ-03 and EVT-09.
HOSTILE: Mapping[str, str] = {
    "newline": "first line\nsecond line\n\nfourth line",
    "cr": "first line\rsecond line\r",
    "crlf": "first line\r\nsecond line\r\n\r\n",
    "quotes": "\"double\" 'single' \\back\\ \\\" \\n {\"a\": [}",
    # Three UTF-16 units and six bytes: in whatever steps of 1 to 64 KiB somebody cuts it, some fall inside a character.
    # In the middle of the others: what takes longer to write, or is written elsewhere, can be overtaken.
    "64 KiB": "é🚀" * (65536 // 6),
    "line separators": "before\u2028after\u2029then\u0085end",
    "nul": "before\u0000after",
    "controls": "".join(map(chr, range(1, 32))) + "\u007f",
    "emoji": "🚀👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \U0001f9d1\u200d\U0001f680",
    "lone data field": '\ndata: {"kind":"end"}\n\nevent: end\ndata:\n\nid: 99\nretry: 1\n\n: ping\n\n',
    "bom": "\ufeffbegins with a byte order mark\ufeff",
    "empty": "",
}  # fmt: skip


def spoken(profile: Profile) -> Vocabulary | None:
    """What the profile says by itself that a script can say, in `events.script.emits`; None where it does not."""
    templates: Mapping[str, Emit] | None = profile.field("events.script.emits")
    if not templates:
        return None

    carriers = tuple(kind for kind, template in templates.items() if TEXT in json.dumps(template))
    return Vocabulary(partial(_filled_in, templates), carriers)


def _filled_in(
    templates: Mapping[str, Emit], kind: str, key: int, text: str, _before: Sequence[Emit]
) -> Emit | None:  # fmt: skip
    return spelt(templates[kind], key, text) if kind in templates else None


def wait(real_ms: float, scale: float) -> Step:
    """A step that takes `real_ms` on a candidate whose intervals are scaled."""
    return {"wait_ms": round(real_ms / scale, 3)}


def spread(emits: Sequence[Emit], real_ms: float, scale: float) -> list[Step]:
    """The emits as steps, each after a wait of `real_ms`; without waits where that is 0."""
    steps: list[Step] = []
    for emit in emits:
        if real_ms:
            steps.append(wait(real_ms, scale))
        steps.append({"emit": emit})
    return steps


@dataclass(slots=True)
class Walk:
    """A walk through the lifecycle tables of one kind of start.

    A key is its place (0, 1, …) where events are made, and the value that stands there where they are looked at.
    """

    profile: Profile
    tables: list[Lifecycle]
    words: Vocabulary
    emits: list[Emit] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    states: dict[tuple[str, Hashable], str] = field(default_factory=dict)
    _concerned: dict[str, list[Lifecycle]] = field(default_factory=dict)

    def concerned(self, kind: str) -> list[Lifecycle]:
        """The tables that know a type."""
        if kind not in self._concerned:
            self._concerned[kind] = [table for table in self.tables if table.knows(kind)]
        return self._concerned[kind]

    def state(self, table: Lifecycle, key: Hashable) -> str:
        """Where one automaton of a table is."""
        return self.states.get((table.name, key if table.key else 0), table.start)

    def fits(self, kind: str, key: Hashable) -> bool:
        """Whether every table that knows the type lets it come now; without any table everything may."""
        tables = self.concerned(kind)
        return bool(tables or not self.tables) and all(table.step(self.state(table, key), kind) for table in tables)

    def advance(self, kind: str, key: Hashable) -> None:
        """Follow an event in every table that knows its type."""
        for table in self.concerned(kind):
            target = table.step(self.state(table, key), kind)
            if target:
                self.states[table.name, key if table.key else 0] = target

    def keys_for(self, kind: str, most: int) -> list[int]:
        """The keys, of the first `most`, with which this type may come now. Without a key in the tables that is 0."""
        return [key for key in self._keys(kind, most) if self.fits(kind, key)]

    def key_for(self, kind: str) -> int | None:
        """The first key with which this type may come now."""
        return next((key for key in self._keys(kind, len(self.emits) + 1) if self.fits(kind, key)), None)

    def _keys(self, kind: str, most: int) -> range:
        return range(most if any(table.key for table in self.concerned(kind)) else 1)

    def say(self, kind: str, text: str) -> bool:
        """Emit this type, if it may come now."""
        key = self.key_for(kind)
        emit = None if key is None else self.words.emit(kind, key, text, self.emits)
        if key is None or emit is None:
            return False
        self.advance(kind, key)
        self.emits.append(emit)
        self.used[kind] += 1
        return True

    def say_any(self, kinds: Sequence[str], text: str) -> bool:
        """Emit the first of these types that may come now."""
        return any(self.say(kind, text) for kind in kinds)

    def may_end(self, outcome: str = "succeeds") -> bool:
        """Whether the server's own ending may come now."""
        terminal = self.profile.terminal
        endings = terminal.outcomes.get(outcome, ()) if terminal else ()
        return not endings or any(self.fits(kind, 0) for kind in endings)


def begin(profile: Profile, start: Operation, words: Vocabulary) -> Walk:
    """A walk that has come to where a script begins."""
    walk = Walk(profile, [profile.lifecycles[name] for name in start.raw.get("lifecycles", ())], words)
    for kind in profile.field("catchup.first.events") or ():  # what the server says first by itself
        if walk.fits(kind, 0):
            walk.advance(kind, 0)
            break
    return walk


def emittable(profile: Profile) -> list[str]:
    """The types that a worker decides on: not the server's own, not terminal."""
    terminal = profile.terminal
    own = tuple(profile.field("events.script.own") or ())
    ends = (*terminal.events, *terminal.last) if terminal else ()
    return [kind for kind in profile.types if not matches(kind, (*own, *ends)) and kind not in profile.unread_kinds]


def every_type(profile: Profile, start: Operation, words: Vocabulary) -> list[Emit]:
    """Each type at least once where the tables allow it, in an order that they allow."""
    walk = begin(profile, start, words)
    kinds = [kind for kind in emittable(profile) if not walk.tables or walk.concerned(kind)]
    for number in range(2 * len(kinds)):  # enough to open what some types need before them
        fresh = [kind for kind in kinds if not walk.used[kind]]
        ordered = fresh + sorted((kind for kind in kinds if walk.used[kind]), key=lambda kind: walk.used[kind])
        if not fresh or not walk.say_any(ordered, f"event {number}"):
            break
    return _ended_well(walk, kinds)


def carrying(profile: Profile, start: Operation, words: Vocabulary, texts: Sequence[str]) -> list[Emit]:
    """One event for each text, with what has to come before."""
    walk = begin(profile, start, words)
    kinds = emittable(profile)
    for text in texts:
        for _ in kinds:
            if walk.say_any(words.carriers, text) or not walk.say_any(kinds, "opens"):
                break
    return _ended_well(walk, kinds)


def plain(profile: Profile, start: Operation, words: Vocabulary, count: int) -> list[Emit]:
    """At least `count` events that can be told apart."""
    return carrying(profile, start, words, [f"event {number} of {count}" for number in range(count)])


def _ended_well(walk: Walk, kinds: Sequence[str]) -> list[Emit]:
    """What was said, and what the tables want before the server may say that the run has succeeded."""
    for _ in kinds:
        if walk.may_end() or not walk.say_any(kinds, "closes"):
            break
    return walk.emits
