"""JSON pointers, and the patterns of event types: the two ways in which a profile names what is not a key of its own.

Must not know profiles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)  # asked for each event of a stream, always with the same few pointers
def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def pointed(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), None where there is none."""
    for key in _steps(pointer):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            return None
    return value


@lru_cache(maxsize=4096)  # asked for each event of a stream, always with the same few types
def matches(kind: str, patterns: tuple[str, ...]) -> bool:
    """Whether an event type is one of `patterns`: an exact name, or the beginning of names and `*`."""
    return any(kind.startswith(one[:-1]) if one.endswith("*") else one == kind for one in patterns)
