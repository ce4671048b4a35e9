"""The form of rockstar's generated stimuli: lanes, each with the pushes to one subject that follow each other.

Imports no Hypothesis until stimuli are made. Must not know how a push is performed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.generation.form import Form
from streamvet.generation.story import DESCRIBED, shown_text, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamvet.contract.profile import Profile
    from streamvet.generation.scene import Scene
    from streamvet.probes.scripts import Vocabulary
    from streamvet.probes.setting import Stimulus


def _make(scene: Scene, words: Vocabulary | None) -> Callable[[Any], Stimulus] | None:
    from streamvet.systems.rockstar.strategies import lanes  # noqa: PLC0415 - it needs Hypothesis

    return (lambda dice: lanes(dice, scene, words)) if scene.ground.starts else None


def _mended(stimulus: Stimulus, _profile: Profile) -> Stimulus | None:
    """The stimulus with lanes that have pushes; None where one of these is none."""
    lanes = [_mended_lane(lane) for lane in stimulus["lanes"] if lane]
    lawful = lanes and all(_is_push(push) for lane in lanes for push in lane)
    return stimulus | {"lanes": lanes} if lawful else None


def _is_push(push: Any) -> bool:
    """Whether a push has a text, names its plan files, and says where it is cut off."""
    if not isinstance(push, dict) or not isinstance(push.get("text"), str):
        return False
    cut, writes = push.get("cut", {"after": 0}), push.get("writes", [])
    if not isinstance(cut, dict) or "after" not in cut or not all(isinstance(one, int) for one in cut.values()):
        return False
    return isinstance(writes, list) and all(
        isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one) and one[0]
        for one in writes
    )


def _mended_lane(lane: Sequence[Any]) -> list[Any]:
    """The pushes to one subject; cut off only where the next one tells what became of it, with something new."""
    made = list(lane)
    for place, push in enumerate(lane):
        if not isinstance(push, dict) or "cut" not in push:
            continue
        content = {key: one for key, one in push.items() if key != "cut"}
        again = place + 1 < len(lane) and lane[place + 1] == content
        new = place > 0 and isinstance(lane[place - 1], dict) and lane[place - 1].get("text") != push.get("text")
        if not again or not new or push.get("writes"):
            made[place] = content
    return made


def _described(stimulus: Stimulus) -> Iterator[str]:
    counts = [len(lane) for lane in stimulus["lanes"]]
    beside = ", each subject beside the others" if len(counts) > 1 else ""
    what = "push" if sum(counts) == 1 else "pushes"
    yield f"{sum(counts)} {what} of a {stimulus['kind']}{beside}"
    pushes = [push for lane in stimulus["lanes"] for push in lane]
    if len(counts) == 1 and len(pushes) <= DESCRIBED:
        yield "with " + ", then ".join(map(_pushed, pushes))
    for push in pushes:
        if push.get("cut"):
            yield f"one is cut {where(push['cut'], 1.0)}"


def _pushed(push: dict[str, Any]) -> str:
    files = [f" and the plan file {shown_text(name)}" for name, _ in push.get("writes", ())]
    return shown_text(push["text"]) + "".join(files)


FORM = Form(
    "lanes", _make, _mended, _described,
    lists=(("lanes",), ("lanes", ""), ("lanes", "", "writes")), values=(("lanes", "", ""),), figures=("lanes",),
)  # fmt: skip
