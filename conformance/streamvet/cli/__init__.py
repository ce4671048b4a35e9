"""The command line: reads arguments and files, calls the rooms below, prints, and ends with the right code.

Results go to stdout, progress and errors to stderr. Must not judge, and must not know what a probe does.
"""

from __future__ import annotations

from streamvet.cli.ending import call, main

__all__ = ["call", "main"]
