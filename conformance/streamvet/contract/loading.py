"""Loading a profile: reads its folder, holds it to its schema and to the rules of `fitting`, and makes the value.

Above the values, the rules and the registry, so that none of them imports another one back.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamvet.contract.discriminator import rule_of
from streamvet.contract.extending import whole
from streamvet.contract.files import FileError, check_shape, is_file, resolved
from streamvet.contract.first_format import HOW
from streamvet.contract.fitting import check_fit
from streamvet.contract.folders import builtin_profiles, digest_of, folder_named, known_protocols
from streamvet.contract.profile import Heartbeat, Lifecycle, Operation, Profile, Sequence, Terminal, place_of
from streamvet.contract.registry import load_registry
from streamvet.contract.schema import SchemaSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.contract.registry import Registry


def load_profile(name_or_folder: str, near: Path | None = None, named_in: Path | str | None = None) -> Profile:
    """Load a built-in profile or a known protocol by name, or one from a folder on disk (relative to `near`).

    `named_in` is the file whose key `profile` has the name, for the error.

    Raises:
        FileError: where there is none, or where its file is not valid.
    """
    own = folder_named(name_or_folder)
    if own is not None:
        return _load(own)
    folder = Path(name_or_folder)
    folder = folder if folder.is_absolute() or near is None else near / folder
    if not is_file(folder / "profile.yaml"):
        wanted = f"one of {', '.join([*builtin_profiles(), *known_protocols()])}, or a folder with a profile.yaml"
        if named_in is not None:
            raise FileError(named_in, "/profile", wanted, repr(name_or_folder))
        raise FileError(name_or_folder, "profile", wanted, "neither")
    return _load(resolved(folder))


@cache
def _load(folder: Path) -> Profile:
    path = folder / "profile.yaml"
    raw, extended = whole(path)
    profile = profile_of(raw, path, extended)
    check_fit(profile, path)
    # Its own requirements, if it has any, are refused now and not when a trace comes.
    _check_adopted(profile, load_registry(profile), path)
    return profile


def profile_of(raw: Any, path: Path, extended: tuple[Path, ...] = ()) -> Profile:
    """The profile that the content of a profile.yaml says, not yet held to what its parts say of each other.

    `extended` are the folders of the profiles that it extends.

    Raises:
        FileError: where it has not the shape of one.
    """
    if isinstance(raw, dict) and raw.get("format", 1) == 1:
        raise FileError(path, "/format", "2", HOW)
    check_shape(raw, "profile", path)
    folder = path.parent
    events, terminal, cursor = raw["events"], raw.get("terminal"), raw.get("catchup", {}).get("cursor")
    operations = {name: _operation(name, row) for name, row in raw["operations"].items()}
    numbered = raw.get("sequence", [])
    lifecycles = {name: _lifecycle(name, row, raw["streams"]) for name, row in raw.get("lifecycles", {}).items()}
    return Profile(
        name=raw["profile"],
        title=raw["title"],
        folder=folder,
        digest=digest_of(folder, *extended),
        raw=raw,
        streams=raw["streams"],
        framing=raw["framing"]["kind"],
        operations=operations,
        rules=tuple(map(rule_of, events["discriminator"])),
        types={kind: file for kind, file in events["types"].items() if not kind.endswith("*")},
        groups={kind: file for kind, file in events["types"].items() if kind.endswith("*")},
        adopted_types=events.get("adopted", {}),
        open_set=events["set"] == "open",
        lifecycles=lifecycles,
        sequences=tuple(_sequence(row) for row in (numbered if isinstance(numbered, list) else [numbered])),
        heartbeat=_heartbeat(raw.get("heartbeat")),
        history=tuple(raw.get("catchup", {}).get("history", ())),
        cursor=place_of(cursor["pointer"]) if cursor else None,
        cursor_events=tuple(cursor.get("events", ())) if cursor else (),
        terminal=_terminal(terminal) if terminal else None,
        schemas=SchemaSet(folder, *extended),
        adopted=raw.get("adopted", {}),
    )


def _check_adopted(profile: Profile, registry: Registry, path: Path) -> None:
    """What is adopted is a MUST that applies to the profile and that is not its own: those carry their level."""
    for name in profile.adopted:
        row = registry.rows.get(name)
        fits = row is not None and row.excluded is None and row.level == "MUST" and row.applies(profile)
        if row is None or not fits or row.family == profile.name:
            wanted = "the id of a MUST of a generic family that applies to this profile"
            raise FileError(path, f"/adopted/{name}", wanted, repr(name) if row is None else f"{name}, {row.level}")


def _lifecycle(name: str, row: Mapping[str, Any], streams: str) -> Lifecycle:
    key = row.get("key", ())
    return Lifecycle(
        name=name,
        key=(key,) if isinstance(key, str) else tuple(key),
        start=row["start"],
        states=row["states"],
        anywhere=row.get("begins", "anywhere" if streams == "ambient" else "at-start") == "anywhere",
        forbids=tuple(row.get("forbids", ())),
        adopted=row.get("adopted"),
        accepts={outcome: tuple(states) for outcome, states in row.get("accepts", {}).items()},
    )


def _sequence(row: Mapping[str, Any]) -> Sequence:
    return Sequence(tuple(row["events"]), place_of(row["pointer"]), row.get("first"), row.get("step"))


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
        form=row.get("form", False),
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
        time=place_of(row["time"]) if "time" in row else None,
        time_within_ms=row.get("time_within_ms"),
        observe=row.get("observe", 3),
    )


def _terminal(row: Mapping[str, Any]) -> Terminal:
    return Terminal(
        events=tuple(row["events"]),
        last=tuple(row["last"]),
        close_within_ms=row.get("close_within_ms"),
        finished_within_ms=row.get("finished_within_ms"),
        join_within_ms=row.get("join_within_ms"),
        cap_ms=row.get("cap_ms"),
        outcomes={outcome: tuple(kinds) for outcome, kinds in row.get("outcomes", {}).items()},
        silent=tuple(row.get("silent", ())),
        run_within_ms=row.get("run_within_ms"),
        unless_resumable=row.get("unless") == "resumable",
        pauses=tuple(row.get("pauses", ())),
    )
