"""Which stimuli a conforming system has to bear: scripts as the lifecycle tables allow them, payloads as schemas do.

What is generated is lawful by how it is made; this is for what becomes of it when it is made simpler. Must not know how
that is done, nor what a finding is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.contract.profile import pointed
from streamvet.generation.shapes import completed, kind_of, members, resolved
from streamvet.probes.scripts import begin

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from streamvet.contract.profile import Operation, Profile
    from streamvet.generation.form import Form
    from streamvet.generation.shapes import Schema
    from streamvet.probes.scripts import Emit, Step, Vocabulary, Walk
    from streamvet.probes.setting import Stimulus


def last_of(words: Vocabulary) -> Emit | None:
    """What is published last on an ambient stream: like no other, as it is waited for, and in plain words."""
    return words.emit(words.carriers[0], 0, "the last one", ())


def _closed(steps: Sequence[Step], words: Vocabulary) -> list[Step] | None:
    """The steps with that in the place of their last event; None where there is none."""
    places = [index for index, step in enumerate(steps) if "emit" in step]
    last = last_of(words)
    return [*steps[: places[-1]], {"emit": last}, *steps[places[-1] + 1 :]] if places and last else None


@dataclass(frozen=True, slots=True)
class Law:
    """What holds for the stimuli of one profile. Without words there are no scripts."""

    profile: Profile
    words: Vocabulary | None
    form: Form | None = None

    def mended(self, stimulus: Stimulus) -> Stimulus | None:
        """The stimulus without what may not be in it; None where there is nothing left to try."""
        made = dict(stimulus)
        if "readers" in made:
            made["readers"] = [reader for reader in made["readers"] if reader["visits"]]
        if self.form and made in self.form:
            own = self.form.mended(made, self.profile)
            if own is None:
                return None
            made = own
        if made.get("outcome") == "hangs" and not {"cancel_ms", "restart_ms"} & made.keys():
            return None
        if made.get("script") is not None and self.words is not None:
            steps = self._mended_steps(made, self.words)
            if steps is None:
                return None
            made["script"] = steps
        return made

    def _mended_steps(self, stimulus: Stimulus, words: Vocabulary) -> list[Step] | None:
        start = self.profile.operations[f"start:{stimulus['kind']}" if "kind" in stimulus else "attach"]
        walk = begin(self.profile, start, words)
        steps: list[Step] = []
        for step in stimulus["script"]:
            if "emit" in step:
                if not self._may_come(walk, start, step["emit"]):
                    continue
                walk.emits.append(step["emit"])
            steps.append(step)
        outcome = str(stimulus.get("outcome") or "succeeds")
        if self.profile.streams == "ambient":
            return _closed(steps, words)
        return steps if outcome == "hangs" or walk.may_end(outcome) else None

    def _may_come(self, walk: Walk, start: Operation, emit: Emit) -> bool:
        """Whether an event is one of the system's and may come now; the walk follows it."""
        kind = kind_of(self.profile, emit)
        if kind is None or not self.is_valid(kind, emit) or not walk.words.allows(walk.emits, emit):
            return False
        key = self._key(start, kind, emit)
        if not walk.fits(kind, key):
            return False
        walk.advance(kind, key)
        return True

    def _key(self, start: Operation, kind: str, emit: Emit) -> Hashable:
        """What stands where the tables that know this type have their key."""
        tables = [self.profile.lifecycles[name] for name in start.raw.get("lifecycles", ())]
        pointers = next((table.key for table in tables if table.key and table.knows(kind)), ())
        value = self.profile.said(emit)[1]
        return json.dumps([pointed(value, pointer) for pointer in pointers], sort_keys=True) if pointers else 0

    def is_valid(self, kind: str, emit: Emit) -> bool:
        """Whether an emitted event fits the schema of its type, and has all members that it has by the vocabulary."""
        file = self.profile.narrow_file(kind) or ""
        usual = self.words.emit(kind, 0, "", ()) if self.words else None
        if usual is None:
            return False
        _, value = self.profile.said(emit)
        whole, schema = completed(self.profile, kind, value), self.profile.schemas.read(file)
        _, wanted = self.profile.said(usual)
        return _keeps(wanted, value, schema, schema) and self.profile.schemas.decider(file)(whole)


def _keeps(usual: Any, value: Any, schema: Schema, root: Schema) -> bool:
    """Whether a value has the members of another one, as far as the schema names them, and at the top no others."""
    known = members(resolved(schema, root), root)
    if not isinstance(usual, dict) or not known:
        return True
    if not isinstance(value, dict) or (schema is root and value.keys() - known.keys() - usual.keys()):
        return False
    return all(key in value and _keeps(usual[key], value[key], known[key], root) for key in usual if key in known)


def emits(stimulus: Stimulus) -> Sequence[Emit]:
    """What a script emits."""
    return [step["emit"] for step in stimulus.get("script") or () if "emit" in step]
