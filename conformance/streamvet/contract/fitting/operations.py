"""Rules about a profile's name, its operations and its credentials. Must not know events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from streamvet.contract.asks import asked_of, begins, starts_with
from streamvet.contract.fitting.misfit import Misfit, names_in, place_of, request_of
from streamvet.contract.folders import builtin_profiles, is_builtin
from streamvet.contract.profile import pointed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.profile import Operation, Profile

# By what a stream is of: the verbs that a profile has to have, and those that mean nothing there.
_NEEDED: Mapping[str, tuple[str, ...]] = {"run": ("start", "attach"), "push": ("start",), "ambient": ("attach",)}
_FOREIGN: Mapping[str, tuple[str, ...]] = {
    "run": ("trigger", "look"),
    "push": ("attach", "resume", "cancel", "record", "trigger", "look"),
    "ambient": ("start", "cancel", "record"),
}
_OF_A_RUN = ("attach", "resume", "cancel", "record")
NEW = "new"  # an id that nobody has had before; each request has its own
_EMPTY = (204, 205)  # RFC 9110: such an answer has no content


def _verb(operation: Operation) -> str:
    return operation.name.partition(":")[0]


def own_name(profile: Profile) -> Iterable[Misfit]:
    """A built-in profile's name brings its system's own probes and requirements."""
    if profile.name in builtin_profiles() and not is_builtin(profile.name, profile.digest):
        yield Misfit("/profile", "another name, because it differs from the built-in profile", repr(profile.name))


def are_there(profile: Profile) -> Iterable[Misfit]:
    """Without them there is nothing to read."""
    verbs = {_verb(one) for one in profile.operations.values()}
    # A start that streams shows the run from its beginning; who comes later resumes, or asks for its record.
    if profile.starts and all(one.streams for one in profile.starts) and verbs & {"resume", "record", "cancel"}:
        verbs |= {"attach"}
    for verb in _NEEDED[profile.streams]:
        if verb not in verbs:
            wanted = "an operation `start:<kind>`" if verb == "start" else f"the operation {verb}"
            yield Misfit(
                "/operations", f"{wanted}, because streams are {profile.streams}", ", ".join(profile.operations)
            )
    cursors = profile.field("catchup.kind") == "from-cursor"
    if cursors and "resume" not in profile.operations:
        yield Misfit(
            "/operations", "the operation resume, because catchup.kind is from-cursor", ", ".join(profile.operations)
        )
    if profile.field("catchup.detached") and not profile.field("operations.record.state"):
        yield Misfit(
            "/operations", "the operation record with its state, which shows whether a detached run is active", "none"
        )


def are_no_others(profile: Profile) -> Iterable[Misfit]:
    """Nobody would ever perform them."""
    for one in profile.operations.values():
        if _verb(one) in _FOREIGN[profile.streams]:
            wanted = f"no such operation, because streams are {profile.streams}"
            yield Misfit(place_of(one), wanted, repr(one.name))
    if "resume" in profile.operations and profile.field("catchup.kind") != "from-cursor":
        wanted = "no such operation, or catchup.kind from-cursor"
        yield Misfit("/operations/resume", wanted, repr(profile.field("catchup.kind")))


def stream(profile: Profile) -> Iterable[Misfit]:
    """Attaching gives a stream, and so does a push."""
    for one in profile.operations.values():
        pushes = _verb(one) == "start" and profile.streams == "push"
        if (one.name in ("attach", "resume") or pushes) and not one.streams:
            yield Misfit(f"{place_of(one)}/streams", "true", repr(one.raw.get("streams")))


def succeed(profile: Profile) -> Iterable[Misfit]:
    """What is no success, or has no content, is no stream."""
    for one in profile.operations.values():
        wrong = [status for status in one.status if not 200 <= status < 300 or status in _EMPTY]
        if one.streams and wrong:
            yield Misfit(f"{place_of(one)}/status", "2xx with content, because the answer is a stream", repr(wrong[0]))


def give_ids(profile: Profile) -> Iterable[Misfit]:
    """Without its id nobody can ask for a run; what is a stream has no JSON body, and nothing else has events."""
    for one in profile.starts:
        where, place = one.raw.get("run_id", {}), f"{place_of(one)}/run_id"
        if not where and not one.makes_id and profile.streams == "run":
            yield Misfit(place, "the place of the run's id in the answer, or {new} in the request", "nothing")
        if "pointer" in where and one.streams:
            yield Misfit(
                f"{place}/pointer", "a header or an event, because the answer is a stream", repr(where["pointer"])
            )
        if "event" in where and not one.streams:
            yield Misfit(
                f"{place}/event", "a pointer or a header, because the answer is not a stream", repr(where["event"])
            )
        if where.get("match", "{run}").count("{run}") != 1:
            yield Misfit(f"{place}/match", "a text that contains {run} exactly once", repr(where["match"]))


def name_runs(profile: Profile) -> Iterable[Misfit]:
    """Else every run would have the same stream; where nobody attaches, a cursor may be of one run alone."""
    for one in profile.operations.values() if profile.streams == "run" else ():
        by_cursor = one.name == "resume" and "attach" not in profile.operations
        if one.name in _OF_A_RUN and not by_cursor and "run" not in names_in(request_of(one)):
            yield Misfit(place_of(one), "{run} in its path, query, headers or body", repr(one.path))


def name_cursors(profile: Profile) -> Iterable[Misfit]:
    """Else a reader that comes back gets what any other gets."""
    one = profile.operations.get("resume")
    if one and "cursor" not in names_in(request_of(one)):
        yield Misfit(place_of(one), "{cursor} in its path, query, headers or body", repr(one.path))


def _fillable(profile: Profile, operation: Operation, part: str) -> bool:
    """Whether somebody may fill any name there: the target file's credentials, or a system's own probes."""
    verb = _verb(operation)
    if verb in ("trigger", "look"):
        return operation.name not in (profile.field("heartbeat.stirred_by") or ())
    return (verb in ("login", "start") and part == "body") or verb == "list"


def _taken(profile: Profile, operation: Operation) -> list[str]:
    """The names that set-up requests fill in an operation; in one of themselves, those before it."""
    setups = profile.setups
    before = setups[: setups.index(operation)] if operation in setups else setups
    return [name for one in before for name in one.raw.get("take", ())]


def are_filled(profile: Profile) -> Iterable[Misfit]:
    """What nobody fills would be sent as it stands."""
    for one in profile.operations.values():
        known = ["run"] if one.name in _OF_A_RUN and profile.streams == "run" else []
        known += ["cursor"] if one.name == "resume" else []
        known += _taken(profile, one)
        for part, template in request_of(one).items():
            for name in sorted(names_in(template) - {*known, NEW}):
                if not _fillable(profile, one, part):
                    wanted = " or ".join(f"{{{one}}}" for one in [*known, NEW])
                    yield Misfit(f"{place_of(one)}/{part}", wanted, f"{{{name}}}, which has no value")


def take_names(profile: Profile) -> Iterable[Misfit]:
    """A name that somebody else fills, or that nobody uses, is taken in vain."""
    setups = profile.setups
    used = names_in([request_of(one) for one in profile.operations.values()])
    for number, one in enumerate(setups):
        for name, where in one.raw.get("take", {}).items():
            place = f"{place_of(one)}/take/{name}"
            earlier = {taken for other in setups[:number] for taken in other.raw.get("take", ())}
            if where.get("match", "{run}").count("{run}") != 1:
                yield Misfit(f"{place}/match", "a text that contains {run} exactly once", repr(where["match"]))
            if name in {"run", "cursor", NEW, *earlier}:
                yield Misfit(place, "a name that is not taken", repr(name))
            elif name not in used:
                yield Misfit(place, f"{{{name}}} in some operation", "none")


def refuse_bodies(profile: Profile) -> Iterable[Misfit]:
    """A change that changes nothing makes a right body, which is not refused."""
    for one in profile.operations.values():
        for index, row in enumerate(one.raw.get("refused", ()) if one.body is not None else ()):
            for key, pointer in _changed(row):
                if not _changes(one.body, key, pointer):
                    wanted = {"repeat": "a list in the operation's body", "with": "a place in the operation's body"}
                    place = f"{place_of(one)}/refused/{index}/{key}"
                    yield Misfit(place, wanted.get(key, "a value of the operation's body"), repr(pointer))


def _changed(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    without = [("without", row["without"])] if "without" in row else []
    return without + [(key, pointer) for key in ("with", "repeat") for pointer in row.get(key, ())]


def _changes(body: Any, key: str, pointer: str) -> bool:
    """Whether the body has what a row of `refused` wants to change at a pointer; `with` may add a member."""
    head, _, last = pointer.rpartition("/")
    holder, value = pointed(body, head), pointed(body, pointer)
    if key == "repeat":
        return isinstance(value, list) and bool(value)
    if isinstance(holder, dict):
        return key == "with" or last.replace("~1", "/").replace("~0", "~") in holder
    is_number = last.isascii() and last.isdigit()
    return key == "with" and isinstance(holder, list) and is_number and int(last) < len(holder)


def record_states(profile: Profile) -> Iterable[Misfit]:
    """A value of both tells nothing."""
    state = profile.field("operations.record.state") or {"active": (), "finished": ()}
    for value in state["active"]:
        if value in state["finished"]:
            yield Misfit("/operations/record/state/finished", "values other than those of an active run", repr(value))


def carry_credentials(profile: Profile) -> Iterable[Misfit]:
    """A cookie, a query parameter and a header field have names; what goes by Authorization has none."""
    kind, name = profile.field("auth.kind"), profile.field("auth.parameter")
    if kind in ("cookie", "query", "header") and name is None:
        yield Misfit("/auth/parameter", f"the name of the {kind} that carries the credential", "nothing")
    if kind == "header" and name is not None and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is None:
        yield Misfit("/auth/parameter", "the name of a header field", repr(name))


def log_in(profile: Profile) -> Iterable[Misfit]:
    """Credentials that are exchanged need the operation for it, and it a token where no cookie will do."""
    login, wanted, kind = profile.operations.get("login"), profile.field("auth.login"), profile.field("auth.kind")
    if wanted and login is None:
        yield Misfit("/auth/login", "the operation login", "true, and no such operation")
    if login and not wanted:
        yield Misfit("/operations/login", "auth.login: true", repr(wanted))
    if login and wanted and kind not in ("cookie", "none") and "token" not in login.raw:
        yield Misfit("/operations/login/token", "the place of the token in the answer", "nothing")


def ask_nobody(profile: Profile) -> Iterable[Misfit]:
    """Where nobody says who they are, nobody can be refused for it."""
    if profile.field("auth.kind") != "none":
        return
    for key in ("login", "jwt", "missing", "invalid", "expired", "foreign"):
        if profile.field(f"auth.{key}"):
            yield Misfit(f"/auth/{key}", "nothing, because auth.kind is none", repr(profile.field(f"auth.{key}")))


def have_tables(profile: Profile) -> Iterable[Misfit]:
    """Which tables hold is said by what begins the stream, and only the operations there are asked."""
    for one in profile.operations.values():
        begins = _verb(one) == "start" or (one.name == "attach" and profile.streams == "ambient")
        if "lifecycles" in one.raw and not begins:
            yield Misfit(f"{place_of(one)}/lifecycles", "nothing, because the starts name the tables", "some")
        for name in one.raw.get("lifecycles", ()):
            if name not in profile.lifecycles:
                known = (
                    f"one of {', '.join(profile.lifecycles)}"
                    if profile.lifecycles
                    else "nothing, because there is no table"
                )
                yield Misfit(f"{place_of(one)}/lifecycles", known, repr(name))


def ask_of_something(profile: Profile) -> Iterable[Misfit]:
    """An answer that changes nothing is none."""
    for name, row in asked_of(profile).items():
        place, about = f"/asks/{name}", [key for key in ("credential", "body", "path") if key in row]
        if len(about) != 1:
            yield Misfit(place, "one of credential, body, path", " and ".join(about) or "none")
        elif about == ["credential"] and profile.field("auth.kind") == "none":
            yield Misfit(f"{place}/credential", "auth.kind other than none", "none")
        elif about == ["body"] and not any(starts_with(profile, row["body"])):
            yield Misfit(f"{place}/body", "a place in the body of a start", repr(row["body"]))
        elif about == ["path"] and not any(begins(one.path, row["path"]) for one in profile.operations.values()):
            yield Misfit(f"{place}/path", "the path of an operation, or its beginning", repr(row["path"]))
