"""`streamvet init --observe` and `--capture`: a draft is a profile, and judges green what it was drafted from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.observing.made import block, exchange, guessed, line

from streamvet.cli.target_form import target_text
from streamvet.contract.files import schemas_folder
from streamvet.contract.loading import load_profile
from streamvet.observing.drafting import draft
from streamvet.observing.question import question_of
from streamvet.trace import Ending, Trace, dump

from . import served as servers
from .served import served

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamvet.contract.profile import Profile

    from .commands import Ended

CHUNK = {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "a"}}]}
RPC = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
CAPTURES: dict[str, bytes] = {
    "names": b"".join(block({"n": n}, "progress", n) for n in range(1, 5)) + block({"ok": True}, "done", 5),
    "names that are repeated": block({"type": "a"}, "a") + block({"type": "b", "n": None}, "b"),
    "a sentinel": block(CHUNK) * 3 + block("[DONE]"),
    "plain text": b"".join(map(block, ["Hel", "lo", "42", "."])),
    "texts by name": block("hello there", "log") + block({"a": 1}, "data") + block("[end]", "end"),
    "rpc": block(RPC) * 2 + block({"jsonrpc": "2.0", "id": 7, "result": {"a": []}}),
    "an empty first block": b"id: 1\ndata:\n\n" + block(RPC) * 2,
    "a greeting and beats": b": hello\n\n" + block({"a": 1}, "tick") * 3 + b": ping 12\n\n" * 3,
    "a beat with an event name": (block({"a": 1}, "tick") + block({"at": 1}, "ping")) * 3,
    "odd names": block({}, "a/b c") + block({}, "a b c") + block({}, "A.b-c") + block({}, "ünï"),
    "builtin": b"".join(line({"type": "cosma", "seq": n}) for n in range(3)) + line({"type": "error", "seq": 3}),
    "a flag": line({"response": "a", "done": False}) * 3 + line({"response": "", "done": True, "total": 1.5}),
    "one type": b"".join(line({"row": n, "name": f"x{n}"}) for n in range(5)),
    "lists": line([1, "a"]) + line([2, None]),
    "no events": b": only a comment\n\n",
}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_draft_is_a_profile_and_judges_its_capture_green(
    name: str, streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    path, folder = tmp_path / "some.bytes", tmp_path / "drafted"
    path.write_bytes(CAPTURES[name])
    made = streamvet("init", "--capture", path, "--out", folder)
    assert made.code == 0, made.err
    assert streamvet("check-profile", folder).code == 0
    raw = "ndjson" if (folder / "captured.ndjson").exists() else "sse"
    judged = streamvet("judge", "--raw", raw, "--profile", folder, folder / f"captured.{raw}")
    assert judged.code == (3 if name == "no events" else 0), judged.out
    assert "WARN" not in judged.out
    assert (folder / f"captured.{raw}").read_bytes() == CAPTURES[name]


PUBLISHED = sorted(
    path for path in schemas_folder().glob("*/vectors/published/*.*") if path.suffix in (".sse", ".ndjson")
)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parts[-4]}, {path.stem}")
def test_what_a_page_shows_is_judged_green_by_its_own_draft(
    path: Path, streamvet: Callable[..., Ended], tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    assert streamvet("init", "--capture", path, "--out", folder).code == 0
    judged = streamvet("judge", "--raw", path.suffix[1:], "--profile", folder, path)
    events = sum(text.startswith((b"data", b"{")) for text in path.read_bytes().splitlines())
    assert judged.code == (0 if events else 3), judged.out


def test_a_trace_has_times(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    path, folder = tmp_path / "one.trace.ndjson", tmp_path / "made"
    profile = load_profile("cosma")
    trace = Trace("check", {"name": "one"}, (exchange(sorted(STREAM)),), profile.name, profile.digest, 2)
    path.write_text("".join(dump(trace)), encoding="utf-8")
    made = streamvet("init", "--capture", path, "--out", folder)
    assert made.code == 0, made.err
    assert "a heartbeat every 1000 ms" in made.out
    assert load_profile(str(folder)).heartbeat is not None


def drafted(one: Any, folder: Path, url: str = "http://127.0.0.1:8000/v1/events", *given: Any) -> Profile:
    """The profile that is drafted of a stream."""
    question = question_of(url, *(given or (None, [], None)))
    made = draft(guessed(one), question, question.shown)
    for file, text in made.files.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return load_profile(str(folder))


BEATS = [(1000 * n, block({}, "ping")) for n in range(1, 5)]
STREAM = [*[(300 + 1000 * n, block({"n": n}, "progress", n + 1)) for n in range(4)], *BEATS]


def test_all_that_was_observed_is_in_the_draft(tmp_path: Path) -> None:
    pieces = sorted([*STREAM, (4400, block({"ok": True}, "done", 5))])
    profile = drafted(exchange(pieces), tmp_path)
    assert (profile.name, profile.streams, profile.framing) == ("events", "push", "sse")
    assert set(profile.types) == {"progress", "ping", "done"}
    assert [(one.where, one.events, one.first, one.step) for one in profile.sequences] == [
        ("event-id", ("progress", "done"), 1, 1)
    ]
    beat, terminal = profile.heartbeat, profile.terminal
    assert beat is not None
    assert (beat.form, beat.event, beat.interval_ms, beat.timer, beat.while_) == (
        "event",
        "ping",
        1000,
        "fixed",
        "active",
    )
    assert terminal is not None
    assert (terminal.events, terminal.last, terminal.outcomes) == (("done",), ("done",), {"succeeds": ("done",)})
    assert profile.operations["start:stream"].path == "/v1/events"
    assert yaml.safe_load(target_text(".", profile))["inputs"] == {"stream": {"succeeds": None}}  # a GET has no body


def test_what_does_not_end_is_ambient(tmp_path: Path) -> None:
    profile = drafted(exchange(sorted(STREAM), ending=Ending.CUT), tmp_path, "http://127.0.0.1:8000/a/events?topic=x")
    assert (profile.streams, profile.terminal) == ("ambient", None)
    assert dict(profile.operations["attach"].query) == {"topic": "x"}
    assert profile.heartbeat is not None
    assert profile.heartbeat.while_ == "open"


@pytest.mark.parametrize(
    ("url", "headers", "auth"),
    [
        ("http://127.0.0.1/e", ["Authorization: Bearer abcdefgh"], {"kind": "bearer"}),
        ("http://127.0.0.1/e", ["Authorization: Basic abcdefgh"], {"kind": "basic"}),
        ("http://127.0.0.1/e", ["Cookie: sid=abcdefgh"], {"kind": "cookie", "parameter": "sid"}),
        ("http://127.0.0.1/e", ["X-Api-Key: abcdefgh"], {"kind": "header", "parameter": "X-Api-Key"}),
        ("http://127.0.0.1/e?token=abcdefgh", [], {"kind": "query", "parameter": "token"}),
        ("http://127.0.0.1/e", ["X-Tenant: acme"], {"kind": "none"}),
    ],
)
def test_credentials_are_no_part_of_a_draft(url: str, headers: list[str], auth: Any, tmp_path: Path) -> None:
    profile = drafted(exchange(STREAM[:2]), tmp_path, url, None, headers, None)
    assert profile.field("auth") == auth
    assert "abcdefgh" not in (tmp_path / "profile.yaml").read_text(encoding="utf-8")


def answer(request: str) -> Sequence[bytes | float]:
    del request
    return [servers.SSE, *(block({"n": n}, "tick", n) for n in range(3)), block({}, "done")]


def test_a_stream_is_drafted_with_its_target(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    folder = tmp_path / "made"
    with served(answer) as server:
        made = streamvet("init", "--observe", server.url, "--json", '{"a": 1}', "--out", folder)
        again = streamvet("init", "--observe", server.url, "--out", folder)
    assert made.code == 0, made.err
    assert "SSE, 2 types, numbered at event-id, ended by done" in made.out
    assert (again.code, again.out) == (2, "")
    assert len(server.requests) == 1
    target = yaml.safe_load((folder / "target.yaml").read_text(encoding="utf-8"))
    assert (target["profile"], target["base_url"]) == (".", server.url.removesuffix("/events"))
    assert target["inputs"]["stream"]["succeeds"] == {"a": 1}


def test_a_document_is_drafted_with_its_target(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    path, folder = tmp_path / "openapi.yaml", tmp_path / "made"
    answer = {"200": {"content": {"application/jsonl": {"itemSchema": {"properties": {"type": {"const": "a"}}}}}}}
    streams = {"/rows": {"get": {"responses": answer}}, "/logs": {"get": {"responses": answer}}}
    raw = {"openapi": "3.2.0", "servers": [{"url": "https://api.example.org/v1"}], "paths": streams}
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    made = streamvet("init", "--openapi", path, "--operation", "GET /logs", "--out", folder)
    assert made.code == 0, made.err
    assert "another stream: --operation 'GET /rows'" in made.out
    assert streamvet("check-profile", folder).code == 0
    target = yaml.safe_load((folder / "target.yaml").read_text(encoding="utf-8"))
    assert (target["profile"], target["base_url"]) == (".", "https://api.example.org/v1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--operation", "GET /x"], "it needs --openapi FILE"),
        (["--observe", "http://127.0.0.1:1/", "--profile", "cosma"], "give one of --profile, --observe"),
        (["--capture", "no-such"], "no-such: the file: expected a readable file"),
        (["--json", "{}"], "options of the request need --observe URL"),
        (["--out", "x"], "it needs --observe, --capture or --openapi; a target file is printed"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, streamvet: Callable[..., Ended]) -> None:
    ended = streamvet("init", *arguments)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())


def test_what_is_no_stream_gives_no_draft(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"<html>\n<body>\n")
    ended = streamvet("init", "--capture", page, "--out", tmp_path / "x")
    assert (ended.code, (tmp_path / "x").exists()) == (2, False)
    assert "expected an SSE stream, or one JSON document per line" in ended.err
