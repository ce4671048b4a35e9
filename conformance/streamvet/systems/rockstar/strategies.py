"""Generated pushes of rockstar: some subjects, each with pushes that follow each other.

Uses Hypothesis's choices, so it is imported only where stimuli are made. Must not know how a push is performed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.generation import payloads
from streamvet.generation.dice import weighted
from streamvet.generation.programs import INSIDE, push

if TYPE_CHECKING:
    from streamvet.generation.dice import Dice
    from streamvet.generation.scene import Scene
    from streamvet.probes.scripts import Vocabulary
    from streamvet.probes.setting import Stimulus

_LANES = weighted((4, 1), (2, 2), (1, 3))
_PUSHES = weighted((3, 1), (4, 2), (3, 3), (1, 4))
_WRITES = weighted((3, 1), (3, 2), (1, 3))
# Of plan files; nothing that ends a path, or that a file system might not take.
_STEMS = ("plan", "a", "A", "two words", "größe", "計画", "🚀", "e\u0301", "\u00e9", "a.b", "it's", "x" * 100)
_WHITE = (" ", "\n", "\t", "\u00a0", "\u2028")
_LINES = 6  # as many as a push shows, and the one behind them
_SESSION = "session"  # the kind of push that may write plan files


def lanes(dice: Dice, scene: Scene, words: Vocabulary | None) -> Stimulus:
    """Pushes to some subjects, which say what a script says or what they find."""
    made = push(dice, scene, words)
    # A script says nothing of the plans that it does not know.
    writes = made["kind"] == _SESSION and made["script"] is None
    count = min(dice.of(_LANES), scene.ground.connections)
    return made | {"lanes": [_lane(dice, writes=writes) for _ in range(count)]}


def _lane(dice: Dice, *, writes: bool) -> list[dict[str, Any]]:
    """The pushes to one subject, often of what was pushed before. One that is cut off is made again after it."""
    found: list[dict[str, Any]] = []
    known = [payloads.text(dice) for _ in range(2)]
    for _ in range(dice.of(_PUSHES)):
        push: dict[str, Any] = {"text": dice.of(known) if dice.once_in(2) else payloads.text(dice)}
        if dice.once_in(4):  # what differs in nothing else
            push["text"] += dice.of(_WHITE)
        if writes and dice.once_in(2):
            names = [dice.of(_STEMS) for _ in range(dice.of(_WRITES))]
            push["writes"] = [[name, dice.of(known) if dice.once_in(2) else payloads.text(dice)] for name in names]
        elif found and push != {"text": found[-1]["text"]} and dice.once_in(3):
            inside = dice.of(INSIDE)
            cut = {"after": dice.up_to(_LINES)} | ({"inside": inside} if inside else {})
            found.append({**push, "cut": cut})
        found.append(push)
    return found
