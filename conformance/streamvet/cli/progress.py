"""Progress of campaigns on stderr: one line that is renewed on a terminal, a line every few seconds elsewhere.

It is drawn inside the loop that times heartbeats, so it is drawn seldom. Must not know what a try does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.recorder import now_us

if TYPE_CHECKING:
    from streamvet.campaign import Progress, Running
    from streamvet.cli.renewed import Renewed

# Drawing takes about a millisecond; twice a second it costs the loop nothing that a heartbeat's tolerance would feel.
_TERMINAL_US = 500_000
_LOG_US = 5_000_000  # often enough to see that a run of a minute is alive
_LONG_S = 3.0  # from here on it is told for how long something is running
_SHOWN = 2  # tries that are named: what waits longest


class Watch:
    """Shows how far each campaign is, by its name, in a place that is open."""

    def __init__(self, place: Renewed) -> None:
        self._place = place
        self._last: dict[str, Progress] = {}
        self._drawn_us = now_us()

    def seen(self, name: str, progress: Progress) -> None:
        """Take note of how far a campaign is, and show it where it is time."""
        self._last[name] = progress
        now = now_us()
        if now - self._drawn_us < (_TERMINAL_US if self._place.in_place else _LOG_US):
            return
        self._drawn_us = now
        self._place.show("\n".join(told(one, last) for one, last in self._last.items()))


def told(name: str, progress: Progress) -> str:
    """One line on a campaign: how many tries are done, what it waits for and for how long."""
    line = f"{name}: {progress.done} of {progress.total} tries"
    line += f" and {progress.generated} generated ones" if progress.generated else ""
    line += _doing(progress)
    return line if progress.deadline_s is None else f"{line}; the deadline is in {progress.deadline_s:.0f} s"


def _doing(progress: Progress) -> str:
    """What it waits for, or is running."""
    waits = [one for one in progress.running if one.wait_s > one.for_s]
    if waits:
        named = ", ".join(f"{one.name} {one.wait_s - one.for_s:.0f} s" for one in waits[:_SHOWN])
        more = f" and {len(waits) - _SHOWN} more" if len(waits) > _SHOWN else ""
        return f"; waits for {named}{more}"
    if not progress.running:
        return "; waits for other work to finish" if progress.done < progress.total else ""
    longest: dict[str, Running] = {}  # tries that repeat each other have one name
    for one in sorted(progress.running, key=lambda one: -one.for_s):
        longest.setdefault(one.name, one)
    return f"; running {', '.join(map(_told, list(longest.values())[:_SHOWN]))}"


def _told(one: Running) -> str:
    """A try without a mandated wait: where it takes long, for how long, and what it waits for and how long at most."""
    if one.for_s < _LONG_S:
        return one.name
    awaits = f", and for {one.awaits} {max(one.at_most_s, 0.0):.0f} s more at most" if one.awaits else ""
    return f"{one.name} for {one.for_s:.0f} s{awaits}"
