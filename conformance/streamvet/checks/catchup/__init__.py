"""CAT: what a reader gets that comes late, comes back, or comes after a restart.

One module a subject; here is the table of the family. Must not know probes or scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.checks.catchup import cursors, detached, joining, replays, restarts, strangers

if TYPE_CHECKING:
    from streamvet.outcome import Check

CHECKS: dict[str, Check] = {
    "CAT-01": joining.start_state,
    "CAT-02": replays.whole_when_finished,
    "CAT-03": replays.whole_when_joined,
    "CAT-04": replays.each_once,
    "CAT-05": cursors.after_cursor,
    "CAT-06": cursors.nothing_before_cursor,
    "CAT-07": replays.replay_equals_live,
    "CAT-08": strangers.wrong("malformed", "a malformed cursor"),
    "CAT-09": strangers.wrong("unknown", "an unknown cursor"),
    "CAT-10": strangers.empty_or_none,
    "CAT-11": detached.alive_when_detached,
    "CAT-12": detached.ended_when_detached,
    "CAT-13": cursors.last_event_id,
    "CAT-14": restarts.keeps_what_it_stored,
    "CAT-15": restarts.no_silent_restart,
    "CAT-16": restarts.survives,
    "CAT-17": joining.nothing_from_before,
    "CAT-18": restarts.served_after_restart,
    "CAT-19": joining.first_in_time,
    "CAT-20": restarts.survives,
    "CAT-21": cursors.own_cursor,
    "CAT-22": detached.alive_when_returned,
}
