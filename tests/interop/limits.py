"""What a language loses though it is valid: a part of the vector's path, and why. Nothing else may be lost.

Must not know how a language is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS: Mapping[str, Mapping[str, str]] = {
    "Go": {
        "integer-valued": "encoding/json takes no number with a fraction, such as 1.0, for an integer",
        "redacting.extra-fields": "encoding/json reads the key `Step` as `step`: it does not tell cases apart",
        "storing.extra-fields": "encoding/json reads the key `Step` as `step`: it does not tell cases apart",
        "plans-empty": "`omitempty`, which quicktype gives what may be left out, leaves an empty list out",
    },
    "Rust": {"integer-valued": "serde takes no number with a fraction, such as 1.0, for an integer"},
}


def why(language: str, path: str) -> str | None:
    """Why a vector is lost in a language, None where nobody knows."""
    return next((reason for part, reason in LIMITS.get(language, {}).items() if part in path), None)
