"""What counts of findings about time: a machine is slow now and then, a server that breaks its bound is slow each time.

A try in which something seems to be over its time is performed again. Its findings about time count where a second
attempt has some, too. So do findings in an exchange for which the suite waited no longer: how long it waits is no bound
of the contract. Pure; must not know how a try is performed again, nor what a requirement asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamvet.outcome import Finding
    from streamvet.trace import Attempt

MOST = 4  # attempts of one try, the first one included


@dataclass(slots=True)
class Attempts:
    """One requirement in the attempts of all tries: for each try the findings about time of each attempt."""

    _tries: dict[int, list[Sequence[Finding]]] = field(default_factory=dict)
    _unseen: dict[int, list[str]] = field(default_factory=dict)  # tries of which no attempt saw what was due, and why

    def add(self, attempt: Attempt, timed: Sequence[Finding]) -> None:
        """Take what one attempt that exercised the requirement has to say about time, be it nothing."""
        self._tries.setdefault(attempt.of, []).append(timed)
        self._unseen.pop(attempt.of, None)

    def overlook(self, attempt: Attempt, reason: str) -> None:
        """Note that one attempt could not look at what was due, and why."""
        if attempt.of not in self._tries:
            self._unseen.setdefault(attempt.of, []).append(reason)

    @property
    def overlooked(self) -> list[str]:
        """Why what was due was seen in no attempt of a try, for each such try."""
        return [reasons[-1] for reasons in self._unseen.values()]

    @property
    def is_confirmed(self) -> bool:
        """Whether a second attempt of some try was over its time."""
        return any(_is_over_again(made) for made in self._tries.values())

    @property
    def doubtful(self) -> list[int]:
        """The tries that are to be performed again: nothing is known for certain, and another attempt may tell."""
        if self.is_confirmed:
            return []
        unsure = [of for of, made in self._tries.items() if any(made) and len(made) < MOST]
        unseen = [(of, len(reasons)) for of, reasons in self._unseen.items()]
        is_lost = any(made >= MOST for _, made in unseen)  # then nobody will know, whatever comes of the others
        return unsure if is_lost else unsure + [of for of, _ in unseen]

    def counting(self) -> Iterator[Finding]:
        """The findings that count: those of tries which no attempt acquits."""
        for made in self._tries.values():
            if len(made) == 1 or _is_over_again(made):
                for found in made:
                    yield from found

    def acquitted(self) -> str:
        """What was over its time once and in no other attempt, in words; "" where there is nothing of the kind."""
        once = [made for made in self._tries.values() if len(made) > 1 and any(made) and not _is_over_again(made)]
        if not once:
            return ""
        worst = next(found[0] for found in once[0] if found)
        more = f"; and {len(once) - 1} more such" if len(once) > 1 else ""
        return f"1 of {len(once[0])} attempts was over its time: {worst.seen}, not {worst.expected}{more}"


def _is_over_again(made: Sequence[Sequence[Finding]]) -> bool:
    return sum(map(bool, made)) > 1
