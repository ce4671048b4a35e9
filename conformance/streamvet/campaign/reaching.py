"""Before the first try: the candidate is started or waited for, and its control interface is held to the target.

Must not know tries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, cut
from streamvet.probes.candidate import wrong_answer
from streamvet.probes.preparing import prepare
from streamvet.recorder import Tape, now_us, pause

if TYPE_CHECKING:
    from streamvet.contract.target import Target
    from streamvet.probes.candidate import Candidate

# So an nginx or a server in Go answers a request that came without TLS where it wants that.
_REFUSED = "is answered 400"
_POLL_S = 0.1  # between two looks at whether a candidate that is not ours is up


class Unreachable(Exception):  # noqa: N818 - it names what the candidate is
    """Nothing answers at the candidate's address."""


async def reach(candidate: Candidate, wait_s: float) -> None:
    """Start the candidate where that is ours, else wait until it answers."""
    if candidate.process:
        if not await candidate.launch():
            within = candidate.target.launch.ready_within_ms if candidate.target.launch else 0
            looked, said = await candidate.why_not(), candidate.process.said()
            raise _unreachable(candidate, f"the launched candidate is not up within {within} ms: {looked}; {said}")
    else:
        deadline_us = now_us() + int(wait_s * 1e6)
        while not await candidate.answers():
            if now_us() >= deadline_us:
                raise _unreachable(candidate, f"not up within {wait_s:g} s: {await candidate.why_not()}")
            await pause(_POLL_S)
    if candidate.last_look.endswith(_REFUSED) and (found := await candidate.why_not()) != candidate.last_look:
        raise _unreachable(candidate, f"{candidate.last_look}: {found}")


def _unreachable(candidate: Candidate, why: str) -> Unreachable:
    return Unreachable(f"{candidate.target.base_url}: {why}")


async def describe(candidate: Candidate, scale: float) -> frozenset[str]:
    """Ask the control interface what it can, hold it to the target, and let it forget what was before."""
    target, profile = candidate.target, candidate.profile
    if target.control is None:
        return frozenset()
    tape = Tape(candidate.recorder)
    live = await candidate.control({"do": "describe"}, tape)
    wrong = wrong_answer(live, 200, "DescribeAnswer")
    if wrong:
        raise FileError(target.file, "/control", "a control interface that answers describe", wrong)
    answer = live.json()
    _same(target, "/profile", profile.name, answer["profile"])
    _same(target, "/time_scale", scale, answer["time_scale"])
    can = frozenset[str](answer["can"])
    if "reset" in can:
        await candidate.control({"do": "reset"}, tape)
    return can


async def make_ready(candidate: Candidate) -> None:
    """Make the requests by which the target prepares it."""
    failed = await prepare(candidate, again=False)
    if failed is not None:
        index, why = failed
        statuses = candidate.target.prepare[index].get("status", ["200 to 299"])
        wanted = f"a request with an answer of status {' or '.join(map(str, statuses))}"
        raise FileError(candidate.target.file, f"/prepare/{index}", wanted, why)


def _same(target: Target, place: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise FileError(target.file, place, f"{cut(repr(theirs))}, from the candidate's control interface", repr(ours))
