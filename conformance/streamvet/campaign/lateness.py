"""How late the harness was where a try waits, and how late it may be for a verdict.

Pure functions; must not know how tries are performed or repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamvet.campaign.planning import Try
    from streamvet.probes.setting import Setting
    from streamvet.trace import Trace

_JITTER_SHARE = 0.25  # above this part of the tolerance a wait is not judged, so it is repeated
# The roles in which lateness makes a wait worthless; so do these marks of an exchange, whatever its role.
_WAITED = frozenset({"watch", "record-detached", "record-returned"})
_WAITED_BY = ("observe_us", "triggered")


def late_us(trace: Trace) -> int:
    """How late the harness was where it waited."""
    waited = [x for x in trace.exchanges if x.role in _WAITED or any(mark in x.about for mark in _WAITED_BY)]
    return max(map(trace.worst_late_us, waited), default=0)


def tolerated_us(setting: Setting, one: Try) -> float:
    """How late the harness may be where a try waits."""
    if one.probe.tolerates_late_ms:
        return one.probe.tolerates_late_ms(setting, one.stimulus) * 1000
    profile, scale = setting.profile, setting.scale
    tolerances = [profile.heartbeat.tolerance_ms] if profile.heartbeat else []
    detached = profile.field("catchup.detached")
    tolerances += [detached["tolerance_ms"]] if detached else []
    return _JITTER_SHARE * profile.tolerance_us(min(tolerances, default=0), scale)


def is_late(setting: Setting, one: Try, by_us: int) -> bool:
    """Whether the harness was too late, by so much, for a verdict on a try."""
    return bool(one.wait_s) and by_us > tolerated_us(setting, one)
