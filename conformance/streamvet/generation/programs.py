"""Stimuli: scripts by walking the lifecycle tables, and readers that come, are cut and come back.

Times are drawn in real milliseconds, which is what races depend on, and unscaled in the stimulus. Must not know how a
stimulus is performed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from streamvet.contract.loading import load_profile
from streamvet.generation import payloads
from streamvet.generation.dice import made_with, weighted
from streamvet.generation.form import form_of
from streamvet.generation.lawful import last_of
from streamvet.generation.scene import NAME, Scene
from streamvet.probes.scripts import begin, emittable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from streamvet.contract.profile import Operation, Profile
    from streamvet.generation.dice import Dice
    from streamvet.generation.ground import Ground
    from streamvet.probes.scripts import Step, Vocabulary, Walk
    from streamvet.probes.setting import Stimulus

# How many events a script has: few, some about what one write or one page may hold, seldom many.
_COUNTS = weighted((2, 0), (7, 1), (6, 2), (7, 3), (5, 4), (5, 5), (4, 6), (4, 7), (5, 8), (4, 9), (2, 12), (2, 16),
                   (2, 17), (1, 33), (1, 65))  # fmt: skip
_KEYS = 3  # automata of a keyed table that are walked at once
# Real times. A loopback round trip takes 2 ms: what comes within that comes in the same moment.
_LEADS_MS = weighted((3, 0.0), (3, 5.0), (3, 15.0), (1, 40.0))
_EVEN_MS = weighted((4, 0.0), (1, 0.5), (2, 1.0), (2, 3.0), (2, 6.0), (1, 12.0))
_MIXED_MS = weighted((6, 0.0), (1, 0.5), (1, 1.0), (1, 2.0), (1, 5.0), (1, 10.0), (1, 20.0),
                     (1, 50.0))  # fmt: skip
_SCRIPT_MS = weighted((3, 100.0), (1, 250.0))  # of waits between events, at most: a try is to be short
_TAILS_MS = weighted((4, 0.0), (1, 2.0), (1, 10.0), (1, 25.0))
_MOMENTS = weighted((5, "at"), (4, "seen"), (3, "any"), (1, "behind"))
_OFF_MS = weighted((2, -2.0), (2, -1.0), (6, 0.0), (3, 1.0), (2, 2.0), (1, 4.0))
_BEHIND_MS = (0.0, 5.0, 30.0)
_BACK_MS = weighted((6, 0.0), (2, 1.0), (2, 5.0), (1, 20.0))
_STAY_MS = weighted((2, 0.0), (1, 1.0), (2, 3.0), (2, 8.0), (1, 25.0))
_STALL_MS = weighted((12, 0.0), (1, 10.0), (1, 40.0))
INSIDE = weighted((8, 0), (1, 1), (1, 2), (1, 3), (1, 5), (1, 17), (1, 64), (1, 101), (1, 1000), (1, 1 << 20))
_READERS = weighted((3, 0), (7, 1), (5, 2), (3, 3), (1, 5), (1, 8))
_VISITS = weighted((4, 1), (5, 2), (2, 3), (1, 4))
_RESTARTS = 25  # of so many runs, in one the candidate is killed
_AT_ONCE = weighted((9, 1), (2, 2), (1, 3))


def stimuli(ground: Ground) -> SearchStrategy[Stimulus]:
    """What can be tried on a candidate; nothing where it cannot be told what to do and nothing can be started."""
    profile, words = load_profile(ground.profile), ground.words
    scene, form = Scene(ground, profile), form_of(ground.generation)
    own = form.make(scene, words) if form else None
    if own:
        return made_with(own)
    if profile.streams == "run" and ground.starts:
        return made_with(lambda dice: runs(dice, scene, words))
    if profile.streams == "push" and ground.starts:
        return made_with(lambda dice: pushes(dice, scene, words))
    if profile.streams == "ambient" and ground.published and words:
        return made_with(lambda dice: updates(dice, scene, words))
    return st.nothing()


# ------------------------------------------------------------------------------------------------ scripts


@lru_cache(maxsize=16)
def _kinds(profile: Profile) -> tuple[str, ...]:
    return tuple(emittable(profile))


def _say(dice: Dice, walk: Walk) -> bool:
    """One more event, of any type and key that may come now; gives whether there is any."""
    moves = [(kind, keys) for kind in _kinds(walk.profile) if (keys := walk.keys_for(kind, _KEYS))]
    if not moves:
        return False
    if dice.once_in(2):  # what goes on with something: else the end of a long table is seldom seen
        begun = [(kind, [key for key in keys if _has_begun(walk, kind, key)]) for kind, keys in moves]
        moves = [(kind, keys) for kind, keys in begun if keys] or moves
    kind, keys = dice.of(moves)
    key = dice.of(keys)
    walk.emits.append(payloads.emit(dice, walk, kind, key))
    walk.advance(kind, key)
    return True


def _has_begun(walk: Walk, kind: str, key: int) -> bool:
    """Whether an automaton of this key is on its way."""
    return any(table.key and walk.state(table, key) != table.start for table in walk.concerned(kind))


def script(dice: Dice, scene: Scene, start: Operation, words: Vocabulary, outcome: str) -> list[Step]:
    """A script that the lifecycle tables of a kind of start allow, with its waits."""
    profile, walk = scene.profile, begin(scene.profile, start, words)
    for _ in range(dice.of(_COUNTS)):
        if not _say(dice, walk):
            break
    for _ in _kinds(profile):  # what the tables want before the server may say how the run has ended
        if outcome == "hangs" or walk.may_end(outcome) or not walk.say_any(_kinds(profile), "closes"):
            break
    names = _names(dice, walk)
    even_ms = dice.of(_EVEN_MS) if dice.once_in(2) else None
    steps: list[Step] = []
    left_ms = dice.of(_SCRIPT_MS)
    for number, emit in enumerate(walk.emits):
        wait_ms = dice.of(_LEADS_MS) if number == 0 else dice.of(_MIXED_MS) if even_ms is None else even_ms
        if 0 < wait_ms <= left_ms:
            steps.append({"wait_ms": scene.unscaled(wait_ms)})
            left_ms -= wait_ms
        steps.append({"emit": payloads.renamed(profile, emit, names)})
    tail_ms = dice.of(_TAILS_MS)
    return [*steps, {"wait_ms": scene.unscaled(tail_ms)}] if tail_ms else steps


def _names(dice: Dice, walk: Walk) -> dict[str, str]:
    """Other names for what the tables have as keys, none the same; ids are left as they are."""
    used = sorted({key for emit in walk.emits for key in payloads.keys_of(walk.profile, emit)})
    if not used or dice.once_in(2):
        return {}
    return {name: name + dice.of(payloads.PIECES) for name in used if "/" in name or name.count("-") < 2}


def _moments_ms(steps: Sequence[Step], ground: Ground) -> list[float]:
    """When each event of a script is due, in real time, and when it is over."""
    found, now_ms = [], 0.0
    for step in steps:
        if "emit" in step:
            found.append(now_ms)
        else:
            now_ms += float(step["wait_ms"]) * ground.scale
    return [*found, now_ms]


# ------------------------------------------------------------------------------------------------ readers


def _moment(dice: Dice, scene: Scene, name: str, *, by_clock: bool = False) -> dict[str, Any]:
    """A moment of a run: at one of its events, by the clock or when that is seen; at any time; or when it is over."""
    how = dice.of(_MOMENTS)
    if not by_clock and how == "seen" and scene.events:
        after = 1 + dice.up_to(scene.events - 1)
        return {f"{name}_after": after, f"{name}_ms": scene.unscaled(dice.of(_OFF_MS))}
    over_ms = scene.moments_ms[-1]
    if how == "any":
        at_ms = over_ms * dice.up_to(100) / 100
    elif how == "behind":
        at_ms = over_ms + dice.of(_BEHIND_MS)
    else:
        at_ms = dice.of(scene.moments_ms) + dice.of(_OFF_MS)
    return {f"{name}_ms": scene.unscaled(at_ms)}


@lru_cache(maxsize=32)
def _origins(profile: Profile, *, again: bool) -> tuple[str, ...]:
    """Where a visit may begin, more often what readers do."""
    resumes = profile.field("catchup.kind") == "from-cursor"
    found = ["start"] * 4
    if again:
        found += ["last"] * 8
        found += ["last-event-id"] * 3 if profile.field("catchup.last_event_id") else []
        found += ["earlier", "earlier", "first"] if resumes else []
    if resumes:
        cursor = profile.field("catchup.cursor") or {}
        found += [name for name in ("empty", "unknown", "malformed") if name in cursor]
        found += ["future"] if "unknown" in cursor else []
    return tuple(found)


def _visit(dice: Dice, scene: Scene, *, again: bool, last: bool) -> dict[str, Any]:
    """One visit: where it begins, and where it is cut, which all but the last one are."""
    visit: dict[str, Any] = {"from": dice.of(_origins(scene.profile, again=again))}
    if visit["from"] == "earlier":
        visit["at"] = dice.up_to(scene.events)
    if again:
        visit |= scene.time("wait_ms", dice.of(_BACK_MS))
    visit |= scene.time("stall_ms", dice.of(_STALL_MS))
    if not last or dice.once_in(8):
        visit["cut"] = _cut(dice, scene)
    return visit


def _cut(dice: Dice, scene: Scene) -> dict[str, Any]:
    if dice.once_in(6):
        return {"after_ms": scene.unscaled(dice.of(_STAY_MS))}
    inside = dice.of(INSIDE)
    return {"after": dice.up_to(scene.events + 1)} | ({"inside": inside} if inside else {})


def _reader(dice: Dice, scene: Scene) -> dict[str, Any]:
    count, strangers = dice.of(_VISITS), scene.ground.strangers
    visits = [_visit(dice, scene, again=number > 0, last=number == count - 1) for number in range(count)]
    if strangers and dice.once_in(16):
        visits.insert(dice.up_to(count - 1), {"from": "start", "as": dice.of(strangers)})
    return {**_moment(dice, scene, "join"), "visits": visits}


# ------------------------------------------------------------------------------------------------ stimuli


def runs(dice: Dice, scene: Scene, words: Vocabulary | None) -> Stimulus:
    """Runs with readers."""
    ground, profile = scene.ground, scene.profile
    start = dice.of(ground.starts)
    can = [one for one in start.outcomes if one != "hangs" or ground.cancels]
    outcome = dice.of(can) if dice.once_in(2) else can[0]
    made: Stimulus = {"name": NAME, "kind": start.kind, "outcome": outcome, "input": "succeeds", "script": None}
    if ground.scripted and words:
        made["script"] = script(dice, scene, profile.operations[f"start:{start.kind}"], words, outcome)
        scene = Scene(ground, profile, _moments_ms(made["script"], ground))
    else:
        made["input"] = outcome
    if ground.restarts and dice.once_in(_RESTARTS):
        return made | {"readers": [], "restart_ms": _moment(dice, scene, "at", by_clock=True)["at_ms"]}
    at_once = min(dice.of(_AT_ONCE), ground.connections)
    most = ground.connections // at_once - 1 if ground.joins else 0
    made["readers"] = [_reader(dice, scene) for _ in range(min(dice.of(_READERS), most))]
    if at_once > 1:
        made["runs"] = at_once
    if outcome == "hangs" or (ground.cancels and dice.once_in(4)):
        made |= _moment(dice, scene, "cancel")
    for name, possible in (("record", ground.records), ("again", ground.joins)):
        if possible and dice.once_in(3):
            made[name] = True
    return made


def push(dice: Dice, scene: Scene, words: Vocabulary | None) -> Stimulus:
    """A push that says what a script says, or what it finds."""
    ground, profile = scene.ground, scene.profile
    start = dice.of(ground.starts)
    scripted = ground.scripted and words is not None and dice.once_in(2)
    can = [one for one in start.outcomes if one != "hangs"]
    outcome = dice.of(can) if scripted and dice.once_in(2) else can[0]
    made: Stimulus = {"name": NAME, "kind": start.kind, "outcome": outcome, "input": "succeeds", "script": None}
    if scripted and words:
        made["script"] = script(dice, scene, profile.operations[f"start:{start.kind}"], words, outcome)
    return made


def pushes(dice: Dice, scene: Scene, words: Vocabulary | None) -> Stimulus:
    """One push, which may be cut off."""
    made = push(dice, scene, words)
    return made | ({"cut": {"after": dice.up_to(scene.events)}} if dice.once_in(3) else {})


def updates(dice: Dice, scene: Scene, words: Vocabulary) -> Stimulus:
    """What is published on an ambient stream, with readers."""
    ground, profile = scene.ground, scene.profile
    steps = script(dice, scene, profile.operations["attach"], words, "succeeds")
    steps.append({"emit": last_of(words)})
    scene = Scene(ground, profile, _moments_ms(steps, ground))
    readers = [_listener(dice, scene) for _ in range(min(dice.of(_READERS), ground.connections - 1))]
    return {"name": NAME, "outcome": None, "script": steps, "readers": readers}


def _listener(dice: Dice, scene: Scene) -> dict[str, Any]:
    """A reader of an ambient stream: nothing is replayed, so that each visit is like the first."""
    visits: list[dict[str, Any]] = [
        {"from": "start", "cut": _cut(dice, scene), **scene.time("wait_ms", dice.of(_BACK_MS))}
        for _ in range(dice.of(_VISITS) - 1)
    ]
    return {**_moment(dice, scene, "join"), "visits": [*visits, {"from": "start"}]}
