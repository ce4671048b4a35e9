"""What faults of the stream go by: what it tells of its own work, who reads it, and for how long nothing came.

It must not know any fault. The readers are all alike: no run and no account tells one from another, only what has been
told to it, when it came, and that it has left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.shapes import is_own, is_stream
from streamvet_server.seams import Answer, Scene, Seams, Shown, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamvet_server.faults.shapes import Make

KEEPALIVE = "keepalive"
ALIVE = b": keepalive\n\n"  # its frame
# What nothing but a script tells, and what many scripts do.
ORDINARY = "info"
RARE = "watch_added"

# The keys of `Scene.scratch` that are written here.
_BEATS, _INTERVAL_S = "beats", "interval_s"


def published(change: Callable[[Update], Iterable[Update]], *opcodes: str, own: bool = True) -> Make:
    """The updates of these opcodes, of the server's own work or of scripts, as others for everybody."""

    def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
        if is_own(scene) is not own:
            return updates
        return [it for update in updates for it in (change(update) if update.opcode in opcodes else (update,))]

    return lambda: Seams(publish=publish)


def left_out(*opcodes: str) -> Make:
    """Updates that nobody is told of."""
    return published(lambda _update: (), *opcodes)


def with_data(update: Update, **members: Any) -> Update:
    """The update with other members in its data."""
    return replace(update, data={**update.data, **members})


def is_ordinary(shown: Shown) -> bool:
    """Whether an event is one that only scripts tell."""
    return shown.name == ORDINARY


def is_rare(shown: Shown) -> bool:
    """Whether an event is of the opcode that few scripts tell."""
    return shown.name == RARE


def is_keepalive(shown: Shown) -> bool:
    """Whether a frame is the comment of a silent stream."""
    return shown.name == KEEPALIVE


def is_end(shown: Shown) -> bool:
    """Whether an event says that it is over, to a reader that was told something before."""
    return shown.last and shown.index > 0


def idling(seams: Seams) -> Seams:
    """The same seams; how many comments in a row a reader has got is remembered, and the time between them."""

    def clock(scene: Scene, wait: str, seconds: float) -> float:
        if wait == KEEPALIVE:
            scene.scratch[_INTERVAL_S] = seconds
        return seams.clock(scene, wait, seconds)

    def frame(shown: Shown, octets: bytes) -> Iterable[Any]:
        scratch = shown.scene.scratch
        scratch[_BEATS] = scratch.get(_BEATS, 0) + 1 if shown.name == KEEPALIVE else 0
        return seams.frame(shown, octets)

    return replace(seams, clock=clock, frame=frame)


def beats(scene: Scene) -> int | None:
    """How many comments a reader has got since the last event; None before anything was written."""
    found: int | None = scene.scratch.get(_BEATS)
    return found


def interval_s(scene: Scene) -> float:
    """The time between two comments."""
    return float(scene.scratch[_INTERVAL_S])


@dataclass(slots=True)
class Audience:
    """Who reads now, by the identity of the request's scene, and how many updates each has still to be shown."""

    behind: dict[int, int] = field(default_factory=dict)
    last: Update | None = None  # what was published last

    def over(self, seams: Seams) -> Seams:
        """The same seams; who comes, is told and leaves is remembered."""

        def head(scene: Scene, answer: Answer) -> Answer:
            if is_stream(answer):
                self.behind[id(scene)] = 0
            return seams.head(scene, answer)

        def publish(scene: Scene, updates: Sequence[Update]) -> Iterable[Update]:
            made = list(seams.publish(scene, updates))
            for reader in self.behind:
                self.behind[reader] += len(made)
            self.last = made[-1] if made else self.last
            return made

        def frame(shown: Shown, octets: bytes) -> Iterable[Any]:
            yield from seams.frame(shown, octets)
            if shown.name != KEEPALIVE and id(shown.scene) in self.behind:
                self.behind[id(shown.scene)] -= 1

        def left(scene: Scene) -> None:
            self.behind.pop(id(scene), None)
            seams.left(scene)

        return replace(seams, head=head, publish=publish, frame=frame, left=left)


def with_readers(build: Callable[[Audience], Seams]) -> Make:
    """How the seams of a fault are made that needs an audience."""

    def make() -> Seams:
        audience = Audience()
        return audience.over(build(audience))

    return make
