"""What generic faults go by on a system: which of its events are rare, what ends its runs, how an ending is forged.

It must not know any system: each one hands on its own `Traits`, and a fault asks for them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamvet_server.faults.shapes import Chosen, reads

if TYPE_CHECKING:
    from streamvet_server.seams import Batch, Scene, Shown

# In the scratch of a scene: for how long a run had been telling something when it ended.
TOOK_MS = "took_ms"

# From the end of a run to one that is told otherwise.
Forge = Callable[["Scene", "Batch"], "Batch"]


def _none(_one: Any) -> bool:
    return False


def _every(_one: Any) -> bool:
    return True


def _as_it_is(_scene: Scene, batch: Batch) -> Batch:
    return batch


def _nothing(_shown: Shown) -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits of one system. What a system without runs leaves out, no fault asks of it."""

    rare_type: str  # the type of which few runs have an event: a fault with it leaves other requirements their runs
    rare: Chosen  # the events of that type; of them those on few streams, where all of them are on many
    discriminator: str = ""  # the member of an event that names its type
    body: str = ""  # the member of a rare event whose schema wants more than a null
    lines: bool = False  # NDJSON; else SSE
    heartbeat: Chosen = _none
    texts: Chosen = _none  # the events that carry texts of several lines
    reads: Callable[[Scene], bool] = reads  # the requests whose answer is a stream that shows a run to its reader
    shared: bool = True  # whether a stream can be asked for by others than the one who started the run
    at_once: Mapping[str, str] = field(
        default_factory=dict
    )  # seams that are asked once for all readers: what that means
    short: Callable[[Scene], bool] = _none  # the starts of runs that have few requirements to themselves
    # Of runs: the events that say that one is over; the same of what is in the log; what could follow the end.
    final: Chosen = _none
    ends: Callable[[Mapping[str, Any]], bool] = _none
    more: Callable[[Shown], bytes] = _nothing
    status_first: bool = False  # a stream begins with the status of its run
    states: frozenset[str] = frozenset()  # the types of which only the newest is of interest, a writer may think
    # Endings as a fault forges them, with the documents that the system itself appends when a run ends.
    as_failure: Forge = _as_it_is
    as_success: Forge = _as_it_is
    uncancelled: Forge = _as_it_is  # a cancellation told as what a run comes to by itself
    done: str = ""  # the status of a run that has succeeded, in its record
    plain: Callable[[Mapping[str, Any]], bool] = _every  # the events that show that a forged success will do
