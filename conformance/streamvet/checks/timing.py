"""Bounds on answers in time, for which the harness has to have been there: how late it was is not the server's time.

Must not know what is due, nor a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet.contract.profile import NEVER_TIMES
from streamvet.outcome import NotExercised
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding, Outcome
    from streamvet.trace import Exchange, Trace


def unanswered(exchange: Exchange) -> bool:
    """Whether an answer had not begun when we had enough of waiting."""
    return exchange.head is None and exchange.ending is Ending.TIMED_OUT


def no_answer(exchange: Exchange) -> NotExercised:
    """How long we wait is no bound of the contract, so no verdict; nor was what was asked for seen to hold."""
    return NotExercised(f"{exchange.operation} of exchange {exchange.id}: {exchange.detail}", due=True)


def unscaled_us(profile: Profile) -> int:
    """Twice the longest bound that is not scaled: at a small time scale that is many a heartbeat.

    Whatever is late by less has a row of its own, which says that bound.
    """
    rule = profile.terminal
    bounds = [rule.close_within_ms, rule.finished_within_ms, rule.join_within_ms] if rule else []
    return 2000 * max(filter(None, [*bounds, profile.field("catchup.first.within_ms")]), default=0)


@dataclass(slots=True)
class Timing:
    """What a check of a bound has looked at in one trace: whether anything was exercised, and what it cannot tell."""

    trace: Trace
    exercised: bool = False
    late_us: int = 0  # of the harness, where it may have made something late

    def is_over(self, since_us: int, until_us: int, bound_us: int, *, came: bool = True) -> bool:
        """Whether something took longer than its bound, without the time in which the harness was late.

        `came`: it was there by `until_us`; else nobody looked any longer.
        """
        took_us, late_us = until_us - since_us, self.trace.late_us(since_us, until_us)
        over = took_us - late_us > bound_us
        if took_us > bound_us and not over:
            self.late_us = max(self.late_us, late_us)
        else:
            self.exercised = self.exercised or came or over
        return over

    def is_never(self, exchange: Exchange, since_us: int, within_ms: int) -> bool:
        """Whether the wait to the end of an exchange for what is due within `within_ms` says that it never comes.

        It is no matter of time then, for which the harness may have been late.
        """
        return self.is_over(since_us, exchange.ended_us, NEVER_TIMES * within_ms * 1000, came=False)

    def outcome(self, found: list[Finding], otherwise: NotExercised) -> Outcome:
        """The outcome of the check. Where something cannot be told, that the rest was in time says too little."""
        if found:
            return found
        if self.late_us:
            return NotExercised(f"harness late by {self.late_us / 1000:.0f} ms", due=True)
        return [] if self.exercised else otherwise
