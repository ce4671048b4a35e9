"""A stream of an OpenAPI document -> the files of a profile folder, each line with what it rests on.

A document says what is on a stream, and not when, in which order, or how it ends. Must not know sockets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamvet.contract.discriminator import EVENT_NAME, MESSAGE
from streamvet.contract.files import step
from streamvet.contract.fitting.files import DIALECT
from streamvet.observing.drafting import START, Draft, discriminated, file_names, flow, name_of, noted
from streamvet.observing.openapi import MOSTLY
from streamvet.observing.sample import SSE
from streamvet.observing.telling import is_an_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamvet.observing.openapi import Branch, Document, Stream

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_FAILS = re.compile(r"error|fail|exception|abort", re.IGNORECASE)
_CANCELS = ("cancel", "stop", "abort")


@dataclass(frozen=True, slots=True)
class Described:
    """What a document says of a stream: the rows of a discriminator, how they tell, and the schema of each type."""

    stream: Stream
    rows: tuple[dict[str, Any], ...]
    how: str
    schemas: Mapping[str, dict[str, Any]]

    @property
    def ends(self) -> list[str]:
        """The types that are named as ends are."""
        return [kind for kind in self.schemas if is_an_end(kind)]


def described(document: Document, stream: Stream) -> Described:
    """What is on a stream."""
    branches = document.branches(stream.item, named=stream.framing == SSE)
    kinds, rows, how = _told(document, branches)
    grouped: dict[str, list[Any]] = {}
    for kind, one in zip(kinds, branches, strict=True):
        if kind is not None:
            grouped.setdefault(kind, []).append(document.bundled(one.data))
    schemas = {kind: ones[0] if len(ones) == 1 else _union(ones) for kind, ones in grouped.items()}
    return Described(stream, rows, how, schemas or {MESSAGE: {}})


_Told = tuple[list[str | None], tuple[dict[str, Any], ...], str]


def _told(document: Document, branches: list[Branch]) -> _Told:
    """The type of each kind of item, None where it is what an open set may have besides; the rows that tell it."""
    named = [one for one in branches if one.event]
    rest = [one for one in branches if not one.event]
    whole = document.told_by(branches, apart=True)
    told = whole or (document.told_by(rest, apart=False) if rest else None)
    if whole is None and named and (told is None or len(named) >= MOSTLY * len(branches)):
        return [one.event or None for one in branches], _by_event(named), "by the event field, a constant of the schema"
    if told is not None:
        name, texts = told
        of_rest = iter(texts)
        kinds = list(texts) if whole else [one.event or next(of_rest) for one in branches]
        first = () if whole else tuple(_of_name(one) for one in named)
        return kinds, (*first, {"from": step(name)}), f"by the text at {step(name)}, a constant of the schema"
    if branches and all(one.is_text for one in branches):
        return ["text" for _ in branches], ({"event": MESSAGE, "type": "text", "json": False},), "the data is a text"
    return [MESSAGE for _ in branches], ({"type": MESSAGE},), "nothing states how types are distinguished"


def _of_name(one: Branch) -> dict[str, Any]:
    return {"event": one.event, "type": one.event} | ({"json": False} if one.is_text else {})


def _by_event(named: list[Branch]) -> tuple[dict[str, Any], ...]:
    """Rows for what is a text first, then one for all that is JSON."""
    texts = {one.event: _of_name(one) for one in named if one.is_text}
    read = any(not one.is_text for one in named)
    return (*texts.values(), {"from": EVENT_NAME}) if read else ({"from": EVENT_NAME, "json": False},)


def _union(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One of several, with what they refer to at the top: there a reference looks for it."""
    definitions = {name: one for schema in schemas for name, one in schema.get("$defs", {}).items()}
    parts = [{key: value for key, value in schema.items() if key != "$defs"} for schema in schemas]
    return {"anyOf": parts} | ({"$defs": definitions} if definitions else {})


# ------------------------------------------------------------------------------------------------ the folder


def folder_of(document: Document, stream: Stream, others: list[str], source: str) -> Draft:
    """The folder of one stream of a document."""
    one = described(document, stream)
    name = name_of(_PARAMETER.sub("", stream.path))
    files = {
        file: json.dumps({"$schema": DIALECT, "$id": f"https://example.org/{name}/{file}", **one.schemas[kind]},
                         indent=2, ensure_ascii=False) + "\n"
        for kind, file in file_names(list(one.schemas)).items()
    }  # fmt: skip
    operations = _operations(document, stream)
    kind = "run" if "attach" in operations and START in operations and one.ends else "ambient"
    if kind == "ambient":
        kind = "push" if one.ends and stream.method != "GET" else "ambient"
        operations = {START if kind == "push" else "attach": _request(stream, _filled(stream.path))}
    sections = (
        _head(document, stream, name, kind, others=others, source=source), _framing(stream),
        _access(document, stream, kind), _requests(operations, kind), _events(one), _terminal(one, kind),
    )  # fmt: skip
    text = "\n".join("\n".join(lines) + "\n" for lines in map(list, sections))
    left = "".join(f"# LEFT OUT: {what}\n" for what in dict.fromkeys(document.left_out))
    return Draft(name, {"profile.yaml": text + left, **files}, next(iter(operations)), stream.framing)


def base_of(document: Document) -> str | None:
    """The address of the first server, None where none is said that is one."""
    servers = document.raw.get("servers") or [{}]
    url = str(servers[0].get("url", "")) if isinstance(servers[0], dict) else ""
    parts = urlsplit(url)
    return url.rstrip("/") if parts.scheme in ("http", "https") and parts.netloc and "{" not in url else None


def _filled(path: str) -> str:
    """A path whose parameters are texts that somebody has to replace."""
    return _PARAMETER.sub(lambda found: f"DECIDE-{found[1]}", path)


def _request(stream: Stream, path: str) -> dict[str, Any]:
    body = {} if stream.body is None else {"body": stream.body}
    accept = {"headers": {"Accept": stream.media_type}}
    return {"method": stream.method, "path": path, **accept, **body, "status": list(stream.statuses), "streams": True}


def _operations(document: Document, stream: Stream) -> dict[str, dict[str, Any]]:
    """The operations of a run, where the stream has one parameter, and something at the path before it starts a run."""
    names = _PARAMETER.findall(stream.path)
    if len(names) != 1 or stream.method != "GET":
        return {}
    before, _, _ = stream.path.partition("{")
    one, collection = f"{before}{{{names[0]}}}", before.rstrip("/")
    run = _PARAMETER.sub("{run}", one)
    paths: Mapping[str, Any] = document.raw["paths"]
    found: dict[str, dict[str, Any]] = {}
    start = document.resolved((document.resolved(paths.get(collection)) or {}).get("post"))
    place = _id_in(document, start, names[0]) if isinstance(start, dict) else None
    if place is not None:
        code, pointer = place
        body = document.body_of(start)
        found[START] = {"method": "POST", "path": collection, "status": [code], "run_id": {"pointer": pointer}}
        found[START] |= {} if body is None else {"body": body}
    found["attach"] = _request(stream, stream.path.replace(f"{{{names[0]}}}", "{run}"))
    found |= {"record": {"method": "GET", "path": run, "status": [200]}} if _has(document, one, "get") else {}
    for word in _CANCELS:
        if _has(document, f"{one}/{word}", "post"):
            found["cancel"] = {
                "method": "POST",
                "path": f"{run}/{word}",
                "status": _statuses(document, f"{one}/{word}"),
            }
            break
    return found


def _has(document: Document, path: str, method: str) -> bool:
    return isinstance((document.resolved(document.raw["paths"].get(path)) or {}).get(method), dict)


def _statuses(document: Document, path: str) -> list[int]:
    answers = document.resolved(document.raw["paths"][path])["post"].get("responses") or {}
    return [int(code) for code in answers if str(code).isdigit() and str(code)[0] == "2"] or [200]


def _id_in(document: Document, start: Mapping[str, Any], parameter: str) -> tuple[int, str] | None:
    """The status of an answer to a start, and where it has the id: under the parameter's name, or `id`."""
    for code, answer in (start.get("responses") or {}).items():
        media = ((document.resolved(answer) or {}).get("content") or {}).get("application/json")
        members = document.members((document.resolved(media) or {}).get("schema"))
        for name in (parameter, "id"):
            if name in members and str(code).isdigit() and str(code)[0] == "2":
                return int(code), step(name)
    return None


# -------------------------------------------------------------------------------------------- profile.yaml


def _head(
    document: Document, stream: Stream, name: str, kind: str, *, others: list[str], source: str
) -> Iterator[str]:  # fmt: skip
    title = (document.raw.get("info") or {}).get("title") or name
    yield f"# Drafted from {source}, which describes what a stream contains, not when it arrives or how it ends."
    yield "# Each comment marks what is SAID there, what is GUESSED from it, and what you have to DECIDE."
    yield "# A key that is left out is not promised, and not judged. `init --observe URL` shows what a server does."
    if others:
        yield f"# Other streams of the document, see --operation: {', '.join(others)}"
    yield "format: 2"
    yield f"profile: {name}"
    yield f"title: {flow(f'{title}: {stream.name}')}"
    yield "version: 1"
    yield noted(f"streams: {kind}", "GUESSED. DECIDE: run, push or ambient")


def _framing(stream: Stream) -> Iterator[str]:
    yield "framing:"
    yield noted(f"  kind: {stream.framing}", f"SAID: {stream.media_type}")


def _access(document: Document, stream: Stream, kind: str) -> Iterator[str]:
    """How credentials travel, and the refusals that the document has."""
    wanted = stream.operation.get("security", document.raw.get("security")) or []
    names = [name for one in wanted if isinstance(one, dict) for name in one]
    schemes = (document.raw.get("components") or {}).get("securitySchemes") or {}
    scheme = document.resolved(schemes.get(names[0])) if names else None
    auth: dict[str, Any] = {"kind": "none"}
    if isinstance(scheme, dict):
        where = scheme.get("in")
        if scheme.get("type") == "apiKey" and where in ("header", "query", "cookie"):
            auth = {"kind": where, "parameter": scheme.get("name", "key")}
        else:
            auth = {"kind": "basic" if scheme.get("scheme") == "basic" else "bearer"}
    answers = {str(code) for code in stream.operation.get("responses") or {}}
    refused = {"missing": [401], "invalid": [401]} if "401" in answers and auth["kind"] != "none" else {}
    unknown = {"unknown": [404]} if "404" in answers and kind == "run" else {}
    yield noted(f"auth: {flow({**auth, **refused, **unknown})}", "SAID" if names else "SAID: no security. DECIDE")


def _requests(operations: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[str]:
    yield "operations:"
    for name, row in operations.items():
        yield f"  {flow(name)}: {flow(row)}"
    if any("DECIDE-" in row["path"] for row in operations.values()):
        yield "  # DECIDE: what stands for each parameter of the path"
    if kind == "run":
        yield "  # GUESSED from their paths. DECIDE: resume, if a reader may come back with a cursor"


def _events(one: Described) -> Iterator[str]:
    yield from discriminated(one.how, one.rows)
    yield '  # DECIDE: what is no JSON, such as {text: "[DONE]", type: done}, as a document cannot say that'
    yield "  types:"
    yield from (f"    {flow(kind)}: {file}" for kind, file in file_names(list(one.schemas)).items())


def _terminal(one: Described, kind: str) -> Iterator[str]:
    if kind == "ambient":
        yield "# terminal:     DECIDE: which event ends a stream, if any"
    else:
        good, bad = [end for end in one.ends if not _FAILS.search(end)], [end for end in one.ends if _FAILS.search(end)]
        outcomes = ({"succeeds": good} if good else {}) | ({"fails": bad} if bad else {})
        yield "terminal:"
        yield noted(f"  events: {flow(one.ends)}", "GUESSED by their names. DECIDE")
        yield noted(f"  last: {flow(one.ends)}", "GUESSED. DECIDE")
        yield noted(f"  outcomes: {flow(outcomes)}", "GUESSED. DECIDE")
    yield "# sequence, heartbeat, catchup, transport:     DECIDE what is promised; `init --observe` measures"
