"""Where generated stimuli are tried: each in an ordinary try, beside whatever waits. Values only.

Must not know who makes them, nor what is looked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.probes.probe import Probe
    from streamvet.probes.setting import Setting, Stimulus
    from streamvet.trace import Trace


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a campaign gives to who explores. `perform` waits for its turn; `hand_out` makes a trace evidence."""

    setting: Setting
    program: Probe  # performs what is generated
    generation: str  # of the system, see `System`
    begun_us: int  # of the campaign, by `now_us`
    longest_wait_s: float  # of the tries that are planned
    at_once: int  # tries that may run beside each other
    starts_left: int | None  # runs that exploring may start
    clock_us: Callable[[], int]  # like `now_us`, less the time in which tries had to wait for their turn
    perform: Callable[[Stimulus], Awaitable[Trace]]
    hand_out: Callable[[Trace], None]
    is_over: Callable[[], bool]  # whether the candidate can no longer be tried: it will not live, or lets nobody in
    afresh: Callable[[], Awaitable[bool]]  # behind all that is planned, start a launched candidate anew; is it up?


Explore = Callable[[Workshop], Awaitable[None]]
