"""The user's file about the candidate: where it is, whom to be there, what makes runs, what it lacks.

Must not know probes or sockets. Every field is explained in `schemas/meta/target.schema.json`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from streamvet.contract.asks import answered
from streamvet.contract.evidence import Evidence
from streamvet.contract.files import FileError, check_shape, cut, is_folder, read_yaml, resolved, step
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import FIRST_REVISION, load_registry
from streamvet.contract.route import DIRECT, Route, route_of
from streamvet.contract.values import check_bounds
from streamvet.masking import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from streamvet.contract.profile import Operation, Profile

# What begins as a variable is one, or a mistake: it would be sent as it stands, a password among it.
_VARIABLE = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\}|([^}]*\}?))")
# A variable, a header field or a field of a body with such a name holds what nobody else may read.
_SECRET = re.compile(
    r"secret|token|passw|passphrase|pwd|credential|(api|private|access)[_-]?key|cookie|bearer|authorization|\bauth\b"
    r"|jwt",
    re.IGNORECASE,
)
# Runs may cost money; what the suite starts black-box for the largest profile is below this.
DEFAULT_MAX_STARTS = 50
DEFAULT_MAX_CONCURRENCY = 20  # a browser holds 6 connections to a host, a small server's default pool 20 to 100
DEFAULT_MAX_ACTIVE_RUNS = 2  # a run may be a browser, or a model at work; scripts cost nothing
OUTCOMES = ("succeeds", "fails", "long")


@dataclass(frozen=True, slots=True)
class Launch:
    """How the suite starts the candidate itself."""

    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    ready_path: str
    ready_within_ms: int


@dataclass(frozen=True, slots=True)
class Target:
    """One candidate. `file` is where this was read, for errors; relative paths are relative to its folder."""

    file: Path
    profile: str
    base_url: str  # without a slash at its end
    route: Route = DIRECT
    replicas: tuple[str, ...] = ()  # further processes of the same candidate, each without a slash at its end
    credentials: Mapping[str, str] | None = None
    other_credentials: Mapping[str, str] | None = None
    expired_credentials: Mapping[str, str] | None = None
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    existing: Mapping[str, str] = field(default_factory=dict)
    max_starts: int | None = DEFAULT_MAX_STARTS  # None: as many as one likes
    max_concurrency: int = DEFAULT_MAX_CONCURRENCY
    max_active_runs: int | None = DEFAULT_MAX_ACTIVE_RUNS  # None: as many as one likes
    control: str | None = None
    time_scale: float = 1.0
    triggers: Mapping[str, Any] = field(default_factory=dict)
    prepare: tuple[Mapping[str, Any], ...] = ()
    directory: Path | None = None  # where the suite may make files for the candidate to see
    lacks: tuple[str, ...] = ()
    launch: Launch | None = None
    allow_commands: bool = False  # whether what checks the requirements of the profile's own folder may run
    secrets: tuple[str, ...] = ()  # besides the credentials: what variables and keys say by their names that it is
    evidence: Evidence = Evidence.CONTROLLED  # the strongest level that may be made use of
    spec: int = 0  # the revision of the requirements by which the run is scored; 0: the current one

    @property
    def allows(self) -> frozenset[Evidence]:
        """The levels of evidence that a run on it has."""
        has = {Evidence.BLACK_BOX}
        if self.launch is not None and self.evidence is not Evidence.BLACK_BOX:
            has.add(Evidence.LAUNCHED)
        if self.control is not None:
            has.add(Evidence.CONTROLLED)
        return frozenset(has)


def load_target(path: Path) -> tuple[Target, Profile]:
    """Read a target file and the profile that it names.

    Raises:
        FileError: where one of them is not valid, where a variable is not set, or where they do not fit.
    """
    return target_of(read_yaml(path), path)


def target_of(raw: Any, path: Path) -> tuple[Target, Profile]:
    """The same for a value that need not stand in a file; `path` names it in errors and is what paths are relative to.

    Raises:
        FileError: as `load_target`.
    """
    secrets = tuple(_secrets_in(raw))
    EVERYWHERE.add(*secrets)  # before anything is said of them: errors show what they got
    raw = _expanded(raw, path, "")
    EVERYWHERE.add(*_credentials_in(raw))
    check_bounds(raw, path, nul=False)  # a variable, or an argument, may have bytes that are no text
    check_shape(raw, "target", path)
    folder = resolved(path).parent
    raw, profile = answered(raw, load_profile(raw["profile"], folder, path), path)
    route = route_of(raw, profile, path)
    _check_fit(raw, profile, path)
    evidence = _evidence(raw, path)
    control = raw.get("control") if evidence is Evidence.CONTROLLED else None
    target = Target(
        file=path,
        profile=raw["profile"],
        base_url=raw["base_url"].rstrip("/"),
        route=route,
        replicas=tuple(url.rstrip("/") for url in raw.get("replicas", ())),
        credentials=raw.get("credentials"),
        other_credentials=raw.get("other_credentials"),
        expired_credentials=raw.get("expired_credentials"),
        inputs=raw.get("inputs", {}),
        existing=raw.get("existing", {}),
        max_starts=raw.get("max_starts", None if control else DEFAULT_MAX_STARTS),
        max_concurrency=raw.get("max_concurrency", _connections(profile)),
        max_active_runs=raw.get("max_active_runs", None if control else DEFAULT_MAX_ACTIVE_RUNS),
        control=control,
        time_scale=float(raw.get("time_scale", 1.0)),
        triggers=raw.get("triggers", {}),
        prepare=tuple(raw.get("prepare", ())),
        directory=folder / raw["directory"] if "directory" in raw else None,
        lacks=tuple(raw.get("lacks", ())),
        launch=_launch(raw.get("launch"), folder),
        evidence=evidence,
        allow_commands=raw.get("allow_commands", False),
        secrets=secrets,
        spec=_spec(raw, path),
    )
    return target, profile


def _spec(raw: Mapping[str, Any], path: Path) -> int:
    """The revision by which the run is scored; 0 where the target does not say."""
    spec, current = int(raw.get("spec", 0)), load_registry().revision
    if spec and not FIRST_REVISION <= spec <= current:
        released = f"{FIRST_REVISION}" if current == FIRST_REVISION else f"one from {FIRST_REVISION} to {current}"
        raise FileError(path, "/spec", f"a revision that this version knows: {released}", f"{spec}")
    return spec


def _evidence(raw: Mapping[str, Any], path: Path) -> Evidence:
    """The strongest level of evidence that may be made use of: whatever the target has, unless it says less."""
    wanted = Evidence(raw.get("evidence", Evidence.CONTROLLED))
    lacking = {Evidence.LAUNCHED: "launch", Evidence.CONTROLLED: "control"}.get(wanted)
    if "evidence" in raw and lacking is not None and lacking not in raw:
        raise FileError(
            path, "/evidence", f"a level that the target has: this one needs the key {lacking}", wanted.value
        )
    return wanted


def _connections(profile: Profile) -> int:
    """How many connections there may be where the target does not say: enough for what the profile itself names."""
    return max(DEFAULT_MAX_CONCURRENCY, int(profile.field("readers.at_least") or 0) + 1)


def _launch(row: Mapping[str, Any] | None, folder: Path) -> Launch | None:
    if row is None:
        return None
    ready = row.get("ready", {})
    return Launch(
        command=tuple(row["command"]),
        cwd=folder / row.get("cwd", "."),
        env=row.get("env", {}),
        ready_path=ready.get("path", "/"),
        ready_within_ms=ready.get("within_ms", 10_000),
    )


def _expanded(value: Any, path: Path, place: str) -> Any:
    """The value with `${NAME}` replaced in every text of it."""
    if isinstance(value, dict):
        return {key: _expanded(one, path, place + step(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_expanded(one, path, f"{place}/{index}") for index, one in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            wanted = "${NAME}, where NAME is an environment variable"
            raise FileError(path, place, wanted, "something else after ${")  # which may be a part of a secret
        if name not in os.environ:
            raise FileError(path, place, f"the environment variable {name} to be set", "it is not")
        return os.environ[name]

    return _VARIABLE.sub(variable, value)


# The keys of credentials that name somebody; every other one is a secret.
_NAMES = re.compile(r"mail|user|name|login", re.IGNORECASE)


def _credentials_in(raw: Any) -> Iterator[str]:
    """What a target that need not be valid has for credentials, but for the names in them."""
    for key in ("credentials", "other_credentials", "expired_credentials"):
        given = raw.get(key) if isinstance(raw, dict) else None
        rows = given.items() if isinstance(given, dict) else [("", given)]
        yield from (str(value) for name, value in rows if value is not None and not _NAMES.search(str(name)))
    yield from proxy_secrets(raw.get("proxy") if isinstance(raw, dict) else None)


def proxy_secrets(proxy: Any) -> Iterator[str]:
    """The password in the address of a proxy, as it stands there and as it is meant."""
    user, at, _ = str(proxy).partition("://")[2].rpartition("@")
    if at:
        yield from {user.partition(":")[2], unquote(user.partition(":")[2])}


def _secrets_in(value: Any, key: str = "") -> Iterator[str]:
    """The values of variables, and the texts under keys, that are named as secrets are."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _secrets_in(one, str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _secrets_in(one, key)
    elif isinstance(value, str):
        names = [found.group(1) or "" for found in _VARIABLE.finditer(value)]
        yield from (os.environ.get(name, "") for name in names if _SECRET.search(name))
        if not names and _SECRET.search(key):
            yield value


def _check_fit(raw: Mapping[str, Any], profile: Profile, path: Path) -> None:
    """What the target says fits what the profile says."""
    optional = [name for name, operation in profile.operations.items() if operation.optional]
    for index, name in enumerate(raw.get("lacks", ())):
        if name not in optional:
            wanted = (
                f"one of the optional operations {', '.join(optional)}"
                if optional
                else "nothing, because no operation is optional"
            )
            raise FileError(path, f"/lacks/{index}", wanted, repr(name))
    kinds = [operation.kind for operation in profile.starts]
    for kind in raw.get("inputs", {}):
        if kind not in kinds:
            raise FileError(path, f"/inputs/{kind}", f"one of the kinds {', '.join(kinds)}", repr(kind))
        _check_bodies(raw["inputs"][kind], profile.operations[f"start:{kind}"], path)
    existing = raw.get("existing", {})
    if "kind" in existing and existing["kind"] not in kinds:
        raise FileError(path, "/existing/kind", f"one of the kinds {', '.join(kinds)}", repr(existing["kind"]))
    if existing.keys() == {"kind"}:
        raise FileError(path, "/existing", "finished or active beside kind", "kind alone")
    named = profile.field("triggers") or {}
    for name in raw.get("triggers", {}):
        if name not in named:
            wanted = (
                f"one of the profile's triggers {', '.join(named)}"
                if named
                else "nothing, because the profile has none"
            )
            raise FileError(path, f"/triggers/{name}", wanted, repr(name))
    _check_requests(raw, path)
    _check_folders(raw, path)
    for key in ("credentials", "other_credentials", "expired_credentials"):
        if key in raw:
            _check_credentials(raw[key], profile, f"/{key}", path)


def _check_bodies(bodies: Mapping[str, Any], operation: Operation, path: Path) -> None:
    """A body that makes a run succeed, by the target or else by the profile, makes none that fails or takes long."""
    own = "succeeds" in bodies
    succeeds = bodies["succeeds"] if own else operation.body
    for outcome in ("fails", "long"):
        if outcome in bodies and succeeds is not None and bodies[outcome] == succeeds:
            wanted = f"a body other than that of {'succeeds' if own else f'{operation.name} in the profile'}, or none"
            raise FileError(path, f"/inputs/{operation.kind}/{outcome}", wanted, cut(repr(bodies[outcome])))


def _check_requests(raw: Mapping[str, Any], path: Path) -> None:
    """A request has one body."""
    rows = {f"/prepare/{index}": row for index, row in enumerate(raw.get("prepare", ()))}
    rows |= {f"/triggers/{name}/http": row.get("http", {}) for name, row in raw.get("triggers", {}).items()}
    for place, row in rows.items():
        if "json" in row and "text" in row:
            raise FileError(path, place, "json or text", "both")


def _check_folders(raw: Mapping[str, Any], path: Path) -> None:
    """The folders that the target names are there."""
    folder, cwd = resolved(path).parent, raw.get("launch", {}).get("cwd", ".")
    if "directory" in raw and not is_folder(folder / raw["directory"]):
        raise FileError(path, "/directory", "an existing directory", cut(repr(raw["directory"])))
    if not is_folder(folder / cwd):
        raise FileError(path, "/launch/cwd", "an existing folder", cut(repr(cwd)))


def _check_credentials(given: Mapping[str, str], profile: Profile, place: str, path: Path) -> None:
    """Credentials are a token, a cookie, or exactly what the profile's login asks for."""
    if len(given) == 1 and {"token", "cookie"} & given.keys():
        return
    login = profile.operations.get("login")
    wanted = placeholders(login.body) if login else set()
    if not wanted or set(given) != wanted:
        fields = f", or {' and '.join(sorted(wanted))}" if wanted else ""
        raise FileError(path, place, f"token or cookie{fields}", " and ".join(sorted(given)))


def placeholders(template: Any) -> set[str]:
    """The names in braces in the texts of a body template."""
    if isinstance(template, dict):
        return set[str]().union(*(placeholders(one) for one in template.values()))
    if isinstance(template, list):
        return set[str]().union(*(placeholders(one) for one in template))
    return set(re.findall(r"\{([a-z_]+)\}", template)) if isinstance(template, str) else set()
