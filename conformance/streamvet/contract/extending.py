"""`extends` of a profile.yaml: its content laid over that of another profile, before anything else looks at it.

Must not know what the content means. Laid over as a JSON Merge Patch (RFC 7396) is: objects key by key, anything else
as a whole; null takes a key away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, is_file, read_yaml, resolved, step
from streamvet.contract.first_format import HOW
from streamvet.contract.folders import builtin_profiles, folder_named, known_protocols

if TYPE_CHECKING:
    from pathlib import Path


def whole(path: Path) -> tuple[Any, tuple[Path, ...]]:
    """The content of a profile.yaml with what it extends, and the folders of that, the nearest first.

    Raises:
        FileError: where a file is not there, is extended by itself, or has null where there is nothing to take away.
    """
    return _whole(path, ())


def _whole(path: Path, above: tuple[Path, ...]) -> tuple[Any, tuple[Path, ...]]:
    content = read_yaml(path)
    if not isinstance(content, dict) or "extends" not in content:
        return content, ()
    below = _extended(content["extends"], path)
    if below in (*above, path):
        raise FileError(path, "/extends", "a profile that does not extend this one", repr(content["extends"]))
    raw, folders = _whole(below, (*above, path))
    if not isinstance(raw, dict) or raw.get("format", 1) == 1:
        raise FileError(below, "/format", "2", HOW)
    own = {key: value for key, value in content.items() if key != "extends"}
    return _over(raw, own, path, ""), (below.parent, *folders)


def _extended(named: Any, path: Path) -> Path:
    """The profile.yaml that is meant: of a built-in profile, of a folder, or the file itself."""
    own = folder_named(named) if isinstance(named, str) else None
    if own is not None:
        return own / "profile.yaml"
    file = path.parent / str(named)
    for one in (file, file / "profile.yaml"):
        if one.name == "profile.yaml" and is_file(one):
            return resolved(one)
    wanted = f"one of {', '.join([*builtin_profiles(), *known_protocols()])}, or the folder of a profile"
    raise FileError(path, "/extends", wanted, repr(named))


def _over(below: dict[str, Any], own: dict[str, Any], path: Path, place: str) -> dict[str, Any]:
    made = dict(below)
    for key, value in own.items():
        under = below.get(key)
        if value is None and key not in below:
            raise FileError(path, place + step(key), "null for a key of what the profile extends alone", "no such key")
        if value is None:
            del made[key]
        elif isinstance(value, dict) and isinstance(under, dict):
            made[key] = _over(under, value, path, place + step(key))
        else:
            made[key] = value
    return made
