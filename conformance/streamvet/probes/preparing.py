"""What a candidate needs before its streams can be there: the requests that the target file has under `prepare`.

Must not know tries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.probes.bounds import answer_s
from streamvet.probes.errands import run, unique, wrong
from streamvet.probes.sender import Sender
from streamvet.recorder import Tape

if TYPE_CHECKING:
    from streamvet.probes.candidate import Candidate


async def prepare(candidate: Candidate, *, again: bool) -> tuple[int, str] | None:
    """Make all of them; gives which one failed and why, None where none did.

    `again`: the candidate has been up before, so that what they make may be there.
    """
    within_s = answer_s(scripted=False)
    sender = Sender(candidate, Tape(candidate.recorder), within_s)
    for index, given in enumerate(candidate.target.prepare):
        row = unique(given)
        live = await run(sender, f"prepare:{index}", "control", row, within_s)
        is_there = again and live.head_now is not None and live.head_now.status < 500
        if not is_there and (why := wrong(row, live)):
            return index, why
    return None
