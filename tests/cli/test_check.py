"""`streamvet check`: what it says of streams that are known, and what it does with everything else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.observing.made import NDJSON, SSE, block, exchange, guessed, heard, line

from streamvet.cli.glancing import checked, owed
from streamvet.cli.looking import Looked
from streamvet.contract.files import meta_validator
from streamvet.contract.folders import builtin_profiles
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.observing.question import question_of
from streamvet.outcome import Verdict
from streamvet.trace import Ending

from . import served as servers
from .served import head, served

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamvet.report.report import Report

    from .commands import Ended

QUESTION = question_of("http://127.0.0.1/events", None, [], None)


def report_on(main: Any, **others: Any) -> Report:
    return checked(Looked(heard(main, **others), guessed(main)), QUESTION)


def found(report: Report) -> dict[str, str]:
    """Each requirement that has findings, with its verdict."""
    return {one.requirement.id: one.verdict.value for one in report.rulings if one.findings}


def observed(report: Report, about: str) -> list[str]:
    return [seen for name, seen in report.observations if name == about]


# ------------------------------------------------------------------------------------------------ verdicts

EVENTS = [(n * 200, block({"n": n}, "progress", n)) for n in range(1, 5)]
LINES = [(n * 200, line({"type": "progress", "n": n})) for n in range(1, 5)]
PLAIN = (("Content-Type", "text/plain"), *SSE[1:])
LATIN = (("Content-Type", "text/event-stream; charset=latin-1"), *SSE[1:])
HAPPENED = [(5000, block({"at": f"1970-01-01T00:00:0{n}.500000Z"}, "progress")) for n in range(1, 5)]
DATED = ("Date", "Thu, 01 Jan 1970 00:01:00 GMT")
VERDICTS: dict[str, tuple[Any, dict[str, str]]] = {
    "right SSE": (exchange(EVENTS), {}),
    "right NDJSON": (exchange(LINES, NDJSON), {}),
    "SSE of another type": (exchange(EVENTS, PLAIN), {"TRN-02": "FAIL"}),
    "NDJSON of another type": (exchange(LINES, PLAIN), {}),
    "another charset": (exchange(EVENTS, LATIN), {"TRN-19": "FAIL"}),
    "a bare head": (exchange(EVENTS, SSE[:1]), {"TRN-06": "WARN", "TRN-09": "WARN"}),
    "broken JSON": (exchange([*EVENTS, (900, block("{'n': 5}", "progress"))]), {"EVT-02": "FAIL"}),
    "NaN": (exchange([*EVENTS, (900, block('{"n": NaN}', "progress"))]), {"EVT-02": "FAIL"}),
    "no UTF-8": (exchange([*EVENTS, (900, b'event: progress\ndata: {"n": "\xff"}\n\n')]), {"EVT-01": "FAIL"}),
    "no empty line": (exchange([*EVENTS, (900, b'event: progress\ndata: {"n": 5}\n')]), {"SSE-01": "FAIL"}),
    "a cut message": (exchange(EVENTS, ending=Ending.TRUNCATED), {"TRN-04": "FAIL"}),
    "cut by us": (exchange([*EVENTS, (900, b"event: prog")], ending=Ending.CUT), {}),
    "a page behind events": (exchange([*EVENTS, (900, b"<html>502</html>\n\n")]), {"SSE-02": "FAIL"}),
    "no newline": (exchange([*LINES, (900, b'{"type": "progress"}')], NDJSON), {"NDJ-01": "FAIL"}),
    "two documents": (exchange([*LINES, (900, b'{"n": 1}{"n": 2}\n')], NDJSON), {"NDJ-02": "FAIL"}),
    "a byte order mark": (exchange([(0, b"\xef\xbb\xbf"), *LINES], NDJSON), {"NDJ-04": "FAIL"}),
    "CR LF": (exchange([(at, data.replace(b"\n", b"\r\n")) for at, data in EVENTS]), {"SSE-08": "NOTE"}),
    "held back, by its own times": (exchange(HAPPENED), {"TRN-03": "FAIL"}),
    "the same from somebody with another clock": (exchange(HAPPENED, (*SSE, DATED)), {}),
    "a replay of what was before": (exchange([(9, block({"at": f"1969-01-01T00:0{n}:00Z"})) for n in range(4)]), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", VERDICTS)
def test_what_every_stream_owes_is_judged(case: str) -> None:
    main, wanted = VERDICTS[case]
    assert found(report_on(main)) == wanted


def test_a_second_look_counts_as_much_as_the_first() -> None:
    other = exchange([(0, b"<html>502</html>\n\n"), *EVENTS], role="late")
    assert found(report_on(exchange(EVENTS), coded=other)) == {"SSE-02": "FAIL"}


@pytest.mark.parametrize("name", builtin_profiles())
def test_nothing_that_is_owed_rests_on_a_promise(name: str) -> None:
    profile = load_profile(name)
    rows = {row.id: row.on(profile) for row in load_registry(profile).testable(profile)}
    bases = {next(iter(rows[one].basis)) for one in owed(profile) - {"TRN-02"}}
    assert bases == {"standard", "specification"}
    assert not {"HBT", "ORD", "TRM", "CAN"} & {one.partition("-")[0] for one in owed(profile)}


def test_a_stream_without_events_shows_nothing() -> None:
    report = report_on(exchange([], ending=Ending.CUT, lasts_ms=3000))
    assert report.eventless
    assert observed(report, "arrival") == ["no event arrived in 3.0 s"]


# -------------------------------------------------------------------------------------------- observations

BACK = exchange([(10, block({"n": 3}, "progress", 3))], role="resumed")
AGAIN = exchange([(10, block({"n": 1}, "progress", 1))], role="resumed")
NEWER = exchange([(10, block({"n": 9}, "progress", 9))], role="resumed")
NOTHING = exchange([], role="resumed", ending=Ending.CUT, lasts_ms=6000)
REFUSED = exchange([], role="resumed", status=400)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (BACK, "Last-Event-ID is honoured: after 2 came 3"),
        (AGAIN, "Last-Event-ID is ignored: after 2 the stream began again with 1"),
        (NEWER, "Last-Event-ID is ignored: after 2 came 9, which the first reader did not have"),
        (NOTHING, "Last-Event-ID 2: no event arrived, nothing in 6.0 s"),
        (REFUSED, "Last-Event-ID 2 is answered 400"),
    ],
)
def test_whether_last_event_id_is_honoured_is_said(again: Any, said: str) -> None:
    report = report_on(exchange(EVENTS), again=again, cursor="2")
    assert observed(report, "ids") == ["each event has one, 1 to 4", said]


def test_what_a_coding_holds_back_is_said() -> None:
    coded = (*SSE, ("Content-Encoding", "gzip"))
    slow = exchange([(4000, b"".join(data for _, data in EVENTS))], coded, role="late")
    (said,) = observed(report_on(exchange(EVENTS), coded=slow), "coding")
    assert said.startswith(
        "gzip holds back: the first event after 4.0 s, 1 group of events; without it 200 ms, 4 groups of events"
    )
    (said,) = observed(report_on(exchange(EVENTS), coded=exchange(EVENTS, coded, role="late")), "coding")
    assert said.startswith("gzip passes events on")


def test_what_was_observed_is_said_once_each() -> None:
    pings = [(1000 * n, b": ping\n\n") for n in (2, 3, 4)]
    report = report_on(exchange([*EVENTS, *pings, (4100, block({}, "done"))], (*SSE, ("Via", "1.1 varnish"))))
    said = {about: seen for about, seen in report.observations if about != "ids"}
    assert said == {
        "answer": "Via: 1.1 varnish",
        "arrival": "5 events, each alone; the first 200 ms after the head, the longest silence 1.2 s",
        "types": "by the event field: progress 4, done 1",
        "numbers": "/n increases by 1, 1 to 4",
        "heartbeat": "the comment : ping, every 1.0 s (3 seen)",
        "end": "the server ended it after 4.1 s, 0 ms after the last event, done",
    }


# ----------------------------------------------------------------------------------------- from a server


def events(request: str) -> Sequence[bytes | float]:
    """Five events with ids, from the one on that a reader names."""
    last = re.search(r"last-event-id: (\d+)", request, re.IGNORECASE)
    first = int(last[1]) + 1 if last else 1
    return [servers.SSE, *(block({"n": n}, "tick", n) for n in range(first, 6))]


def test_a_stream_is_asked_for_three_times_and_no_more(streamvet: Callable[..., Ended], tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with served(events) as server:
        ended = streamvet("check", server.url, "--json-report", path)
    assert ended.code == 0, ended.out + ended.err
    assert "Last-Event-ID is honoured: after 2 came 3" in ended.out
    assert f"streamvet init --observe {server.url}" in ended.out
    asked = [dict(re.findall(r"^([\w-]+): (.*?)\r$", one, re.MULTILINE)) for one in server.requests]
    assert [(one["Accept-Encoding"], one.get("Last-Event-ID")) for one in asked] == [
        ("identity", None), ("gzip, deflate, br, zstd", None), ("identity", "2"),
    ]  # fmt: skip
    report = json.loads(path.read_text(encoding="utf-8"))
    meta_validator("report").validate(report)
    assert {one["about"] for one in report["observations"]} >= {"answer", "types", "ids", "end"}


def test_what_may_change_something_is_sent_once(streamvet: Callable[..., Ended]) -> None:
    with served(events) as server:
        ended = streamvet("check", server.url, "--json", '{"a": 1}', "--header", "Authorization: Bearer s3cret-s3cret")
    assert ended.code == 0, ended.out
    assert [one.partition(" ")[0] for one in server.requests] == ["POST"]
    assert "s3cret" in server.requests[0]
    assert "s3cret" not in ended.out
    assert "--json '{\"a\": 1}' --header 'Authorization: ***'" in ended.out


def test_a_violation_is_shown_with_its_bytes(streamvet: Callable[..., Ended]) -> None:
    with served(lambda _: [servers.SSE, block({"n": 1}), b"Oh no, an error\n\n"]) as server:
        ended = streamvet("check", server.url)
    assert ended.code == 1
    assert "FAIL  SSE-02" in ended.out
    assert "»Oh no, an error«" in ended.out


OTHERS: list[tuple[Sequence[bytes | float], str]] = [
    (
        [head("200 OK", "Content-Type: text/html"), b"<html>Hello</html>"],
        "no stream: answered 200 text/html; it begins '<h",
    ),
    ([head("200 OK", "Content-Type: application/json"), b'{"a": 1}'], "no stream: answered 200 application/json"),
    ([head("401 Unauthorized", "WWW-Authenticate: Bearer")], "answered 401 (Bearer): name credentials with --header"),
    ([head("404 Not Found"), b"nope"], "answered 404; it begins 'nope'"),
    ([head("307 Temporary Redirect", "Location: /x")], "answered 307, which leads to /x: redirects are not followed"),
    ([head("405 Method Not Allowed", "Allow: POST")], "answered 405: it allows POST, see --method"),
    ([head("204 No Content")], "answered 204"),
    ([30.0], "no answer within 1.0 s"),
]


@pytest.mark.parametrize(("answer", "said"), OTHERS)
def test_what_is_no_stream_is_told_with_what_it_is(
    answer: Sequence[bytes | float], said: str, streamvet: Callable[..., Ended]
) -> None:
    with served(lambda _: answer) as server:
        ended = streamvet("check", server.url, "--seconds", "1")
    assert (ended.code, ended.out) == (3, "")
    assert said in ended.err


def test_silence_and_floods_have_an_end(streamvet: Callable[..., Ended]) -> None:
    with served(lambda _: [servers.SSE, 30.0]) as server:
        ended = streamvet("check", server.url, "--seconds", "1")
    assert ended.code == 3
    assert "no event arrived" in ended.out
    flood = [servers.SSE, *[block({"n": 1}) * 1000] * 40]
    with served(lambda _: flood) as server:
        ended = streamvet("check", server.url)
    assert ended.code == 0, ended.out
    assert "a flood: stopped after" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://127.0.0.1/x"], "URL: the address: expected http:// or https://"),
        (["http://"], "URL: the address: expected http:// or https://"),
        (["http://a:b@127.0.0.1/x"], "expected one without user and password"),
        (["http://127.0.0.1:70000/"], "URL: the address"),
        (["http://127.0.0.1/", "--json", "{"], "--json: the body: expected a JSON text, got '{'"),
        (["http://127.0.0.1/", "--header", "no colon"], "--header: no colon: expected Name: value"),
        (["http://127.0.0.1/", "--header", "Host: x"], "a field that the suite does not set itself"),
        (["http://127.0.0.1/", "--method", "HEAD"], "expected one of GET, POST, PUT, PATCH, DELETE"),
        (["http://127.0.0.1/", "--seconds", "90"], "--seconds"),
        (["http://127.0.0.1/", "--json-report", "no/such/x.json"], "no folder no/such"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    arguments: list[str], said: str, streamvet: Callable[..., Ended]
) -> None:
    ended = streamvet("check", *arguments)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())


def test_nobody_there(streamvet: Callable[..., Ended]) -> None:
    ended = streamvet("check", "http://127.0.0.1:1/events")
    assert (ended.code, ended.out) == (3, "")
    assert "no answer: the connection was refused" in ended.err


def test_verdicts_are_those_of_the_report() -> None:
    """A stream that is right has no other verdict than PASS, but for its end, as nothing says that it ends."""
    verdicts = {one.verdict for one in report_on(exchange(EVENTS, ending=Ending.CUT)).rulings}
    assert verdicts == {Verdict.PASS, Verdict.NOT_APPLICABLE}
