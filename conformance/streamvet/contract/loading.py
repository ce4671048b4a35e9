"""Loading a profile: reads its folder, holds it to its schema and to the rules of `fitting`, and makes the value.

Above the values, the rules and the registry, so that none of them imports another one back.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.contract.files import FileError, check_shape, read_yaml, schemas_folder
from streamvet.contract.fitting import check_fit
from streamvet.contract.folders import builtin_profiles, digest_of
from streamvet.contract.profile import Heartbeat, Lifecycle, Operation, Profile, Terminal
from streamvet.contract.registry import load_registry
from streamvet.contract.schema import SchemaSet

if TYPE_CHECKING:
    from collections.abc import Mapping


def load_profile(name_or_folder: str, near: Path | None = None, named_in: Path | str | None = None) -> Profile:
    """Load a built-in profile by name, or one from a folder on disk (relative to `near`).

    `named_in` is the file whose key `profile` has the name, for the error.

    Raises:
        FileError: where there is none, or where its file is not valid.
    """
    if name_or_folder in builtin_profiles():
        return _load(schemas_folder() / name_or_folder)
    folder = Path(name_or_folder)
    folder = folder if folder.is_absolute() or near is None else near / folder
    if not (folder / "profile.yaml").is_file():
        wanted = f"one of {', '.join(builtin_profiles())}, or a folder with a profile.yaml"
        if named_in is not None:
            raise FileError(named_in, "/profile", wanted, repr(name_or_folder))
        raise FileError(name_or_folder, "profile", wanted, "neither")
    return _load(folder.resolve())


@cache
def _load(folder: Path) -> Profile:
    path = folder / "profile.yaml"
    raw = read_yaml(path)
    check_shape(raw, "profile", path)
    events, terminal = raw["events"], raw.get("terminal")
    operations = {name: _operation(name, row) for name, row in raw["operations"].items()}
    lifecycles = {name: _lifecycle(name, row) for name, row in raw.get("lifecycles", {}).items()}
    profile = Profile(
        name=raw["profile"],
        title=raw["title"],
        folder=folder,
        digest=digest_of(folder),
        raw=raw,
        streams=raw["streams"],
        framing=raw["framing"]["kind"],
        sentinels=tuple(raw["framing"].get("sentinels", ())),
        operations=operations,
        discriminator=events["discriminator"]["pointer"],
        then=events["discriminator"].get("then", {}),
        types=events["types"],
        fallback=events.get("fallback", {}),
        adopted=events.get("adopted", {}),
        open_set=events["set"] == "open",
        lifecycles=lifecycles,
        sequence=raw.get("sequence"),
        heartbeat=_heartbeat(raw.get("heartbeat")),
        history=tuple(raw.get("catchup", {}).get("history", ())),
        terminal=_terminal(terminal) if terminal else None,
        schemas=SchemaSet(folder),
    )
    check_fit(profile, path)
    load_registry(profile)  # its own requirements, if it has any, are refused now and not when a trace comes
    return profile


def _lifecycle(name: str, row: Mapping[str, Any]) -> Lifecycle:
    return Lifecycle(
        name=name,
        key=row.get("key"),
        start=row["start"],
        states=row["states"],
        anywhere=row.get("begins") == "anywhere",
        forbids=tuple(row.get("forbids", ())),
    )


def _operation(name: str, row: Mapping[str, Any]) -> Operation:
    return Operation(
        name=name,
        method=row["method"],
        path=row["path"],
        status=tuple(row["status"]),
        query=row.get("query", {}),
        headers=row.get("headers", {}),
        body=row.get("body"),
        streams=row.get("streams", False),
        optional=row.get("optional", False),
        bearer=row.get("bearer", False),
        schema=row.get("schema"),
        raw=row,
    )


def _heartbeat(row: Mapping[str, Any] | None) -> Heartbeat | None:
    if row is None:
        return None
    return Heartbeat(
        form=row["form"],
        event=row.get("event"),
        interval_ms=row["interval_ms"],
        tolerance_ms=row["tolerance_ms"],
        timer=row["timer"],
        while_=row["while"],
        pattern=row.get("pattern"),
        time=row.get("time"),
        time_within_ms=row.get("time_within_ms"),
        observe=row.get("observe", 3),
    )


def _terminal(row: Mapping[str, Any]) -> Terminal:
    return Terminal(
        events=tuple(row["events"]),
        last=tuple(row["last"]),
        close_within_ms=row["close_within_ms"],
        finished_within_ms=row.get("finished_within_ms", row["close_within_ms"]),
        join_within_ms=row.get("join_within_ms", row["close_within_ms"]),
        cap_ms=row.get("cap_ms"),
        outcomes={outcome: tuple(kinds) for outcome, kinds in row.get("outcomes", {}).items()},
    )
