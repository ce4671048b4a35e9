"""The command line: reads arguments and files, calls the rooms below, prints, and ends with the right code.

Results go to stdout, progress and errors to stderr. Must not judge, and must not know what a probe does.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130  # as `report.exits` has it, which is among what takes time to import


def main() -> NoReturn:
    """The command `streamvet`. What it imports takes half a second, and Ctrl-C in that time is no error of ours.

    SIGTERM is as Ctrl-C: what was found so far is told of, where by itself it would end us without a word.
    """
    begun_us = time.monotonic_ns() // 1000  # what is imported counts for a deadline, too
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from streamvet.cli import ending  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("streamvet: interrupted\n")
        sys.exit(_INTERRUPTED)
    ending.main(begun_us)


def call(arguments: Sequence[str]) -> int:
    """Run one command in this process; gives its exit code."""
    from streamvet.cli import ending  # noqa: PLC0415 - as above

    return ending.call(arguments)
