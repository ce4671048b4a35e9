"""The folders of profiles: which come with streamvet, and what the digest of one covers.

Must not know what the files say.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from streamvet.contract.files import read_bytes, schemas_folder

if TYPE_CHECKING:
    from pathlib import Path

# Of a profile's folder: what the digest covers, besides profile.yaml, in this order.
_COVERED = ("*/*.schema.json", "requirements.yaml", "traces/*.yaml", "traces/bases/*.yaml")


def builtin_profiles() -> list[str]:
    """The names of the profiles that come with streamvet."""
    return sorted(path.parent.name for path in schemas_folder().glob("*/profile.yaml"))


def known_protocols() -> list[str]:
    """The names of the protocols of which a profile comes with streamvet, and nothing but that."""
    return sorted(path.parent.name for path in schemas_folder().glob("known/*/profile.yaml"))


def folder_named(name: str) -> Path | None:
    """The folder of a built-in profile, or of a known protocol; None where it is neither."""
    if name in builtin_profiles():
        return schemas_folder() / name
    return schemas_folder() / "known" / name if name in known_protocols() else None


def is_builtin(name: str, digest: str) -> bool:
    """Whether a profile is one that comes with streamvet, or an unchanged copy of one."""
    return name in builtin_profiles() and digest == _digest_of_builtin(name)


@cache
def _digest_of_builtin(name: str) -> str:
    return digest_of(schemas_folder() / name)


def digest_of(*folders: Path) -> str:
    """SHA-256 over the profile, its schemas, its requirements and their traces, and over those that it extends.

    By relative path, so that equal folders have equal digests.
    """
    digest = hashlib.sha256()
    for folder in folders:
        files = [folder / "profile.yaml", *(path for pattern in _COVERED for path in sorted(folder.glob(pattern)))]
        for path in files:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + read_bytes(path) + b"\0")
    return digest.hexdigest()
