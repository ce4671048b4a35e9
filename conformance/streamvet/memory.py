"""How this process gets its memory: what a candidate sends in bulk is given back once it is let go.

Must not know what is in it.
"""

from __future__ import annotations

import contextlib
import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h of the GNU C library
_LARGE_BYTES = 1024 * 1024


def give_back_memory() -> None:
    """Have each large block come from the system by itself, so that it returns there as soon as it is free.

    By itself the GNU C library raises its threshold to the largest block that was ever freed, up to 32 MiB. Streams
    that grow beside each other then leave holes in the heap, which no later one fits into: a flood of large events took
    a sixth more memory. Other libraries have no such setting, and are left as they are.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
