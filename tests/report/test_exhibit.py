"""The evidence of a finding: the right bytes marked, bounded, and nothing that leads a reader astray."""
# ruff: noqa: RUF001 - the single guillemets are what the report shows

from __future__ import annotations

import dataclasses

import pytest

from streamvet.checks.catchup.history import loss, losses
from streamvet.decode import reading
from streamvet.outcome import SEEN_CHARS, Finding, finding
from streamvet.report.excerpt import AROUND_BYTES, MARK_BYTES
from streamvet.report.exhibit import SENT_CHARS, Exhibit, exhibit
from streamvet.report.printable import printable, printable_bytes
from streamvet.trace import Ending

from .made import GHOSTLY, event, exchange, trace


def shown(pieces: list[tuple[int, bytes]], span: tuple[int, int], at_ms: int = 0, **more: object) -> Exhibit:
    made = exhibit(
        Finding("x1", span, (100 + at_ms) * 1000, "expected", "seen", requirement="SSE-02", trace="t"),
        trace(exchange(pieces, **more)),  # type: ignore[arg-type]
        GHOSTLY,
    )
    assert made is not None
    return made


def marked(one: Exhibit) -> str:
    return "".join(piece.text for row in one.rows for piece in row.pieces if piece.marked)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        (b"a\nb\r\0\x1b[31m\x7f", "a↵b‹CR›‹NUL›‹ESC›[31m‹U+007F›"),
        (b"\xff\xc3", "‹0xFF›‹0xC3›"),
        ("e\u0301\u00e9".encode(), "e‹U+0301›é"),
        ("\u2028\u202e\u0085é😀".encode(), "‹U+2028›‹U+202E›‹U+0085›é😀"),
        ("↵‹CR›".encode(), "‹U+21B5›‹U+2039›CR›"),
    ],
)
def test_bytes_are_shown_for_what_they_are(data: bytes, text: str) -> None:
    assert printable_bytes(data) == text


def test_text_with_lone_surrogates_is_shown() -> None:
    assert printable("a\ud83d\udcff") == "a‹U+D83D›‹U+DCFF›"


def test_the_marked_bytes_are_those_of_the_span() -> None:
    first, bad = event(1), b"event: assist\ndata: {}\nXXX\n\n"
    start = len(first) + bad.index(b"XXX")
    one = shown([(1, first), (2, bad), (3, event(3))], (start, start + 3), 2)
    assert marked(one) == "XXX"
    assert [(row.what, row.guilty) for row in one.rows] == [
        ("request", False), ("head", False), ("event", False), ("event", True), ("event", False), ("end", False),
    ]  # fmt: skip
    assert [row.at_ms for row in one.rows] == [0, 4, 1, 2, 3, 6]


def test_the_client_column_tells_what_httpx_sse_delivers() -> None:
    one = shown([(1, b"\xef\xbb\xbfdata: lost\n\n"), (2, b"data: kept\n\n")], (0, 3))
    assert [row.delivered for row in one.rows if row.what == "event"] == [(), ("'message': 'kept'",)]


def test_a_client_that_fails_is_told_and_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("streamvet.report.stock.EventSource.iter_sse", fail)
    assert shown([(1, event(1))], (0, 3)).client_stopped == "raised RecursionError at frame 0"


def test_a_far_span_is_shown_with_some_frames_around() -> None:
    events = [event(seq) for seq in range(1, 1001)]
    start = sum(map(len, events[:500]))
    one = shown([(seq, data) for seq, data in enumerate(events)], (start, start + 5), 500)
    assert [row.what for row in one.rows] == ["request", "head", "omitted", *["event"] * 8, "omitted", "end"]
    assert one.rows[2].label == f"496 frames, {sum(map(len, events[:496]))} bytes, not shown"


def test_a_huge_span_stays_small() -> None:
    body = b"data: " + b"\xff" * 1_000_000 + b"\n\n"
    one = shown([(1, body)], (6, 1_000_006))
    length = sum(len(piece.text) for row in one.rows for piece in row.pieces)
    assert length < 8 * (MARK_BYTES + 2 * AROUND_BYTES)
    assert any(piece.omitted and piece.marked for row in one.rows for piece in row.pieces)


@pytest.mark.parametrize(
    ("span", "at_ms", "more", "guilty"),
    [
        ((0, 0), 4, {}, "head"),
        ((0, 0), 900, {"ending": Ending.TIMED_OUT, "ended_ms": 900}, "end"),
        ((0, 0), 400, {"ended_ms": 900}, "moment"),
        ((7, 7), 250, {}, "moment"),
        ((7, 20), 1, {}, "event"),
        ((10**6, 10**6 + 4), 250, {}, "moment"),
    ],
)
def test_every_finding_has_a_place_on_the_timeline(
    span: tuple[int, int], at_ms: int, more: dict[str, object], guilty: str
) -> None:
    one = shown([(1, event(1)), (500, event(2))], span, at_ms, **more)
    assert [row.what for row in one.rows if row.guilty] == [guilty]


def test_the_silence_of_a_finding_is_marked_on_the_strip() -> None:
    one = shown([(1, event(1)), (800, event(2))], (0, 0), 800, ended_ms=1000)
    # The head came at 4 ms, after the first event; the exchange ended at 1000 ms.
    assert [(gap.duration_ms, gap.guilty) for gap in one.strip.silences] == [(796, True), (200, False)]


def test_an_answer_that_is_no_stream_is_shown_as_a_body() -> None:
    one = shown([(1, b'{"error":"no"}')], (0, 0), 4, status=404, media_type="application/json")
    assert [(row.what, "".join(piece.text for piece in row.pieces)) for row in one.rows if row.pieces] == [
        ("body", '{"error":"no"}')
    ]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (None, ""),
        ('{"data":"a\nb\x1b"}', '{"data":"a\nb\x1b"}'),
        ("é" * (SENT_CHARS + 2), "é" * SENT_CHARS + " … 2 more characters"),
    ],
)
def test_what_was_sent_is_shown_by_its_beginning(body: str | None, sent: str) -> None:
    one = exchange([(1, event(1))])
    posted = dataclasses.replace(one, request=one.request._replace(method="POST", body=body))
    made = exhibit(Finding("x1", (0, 0), 0, "expected", "seen"), trace(posted), GHOSTLY)
    assert made is not None
    assert made.sent == sent


def test_what_was_seen_is_cut_where_it_says_so() -> None:
    long = finding(exchange([(1, event(1))]), "expected", "x" * (SEEN_CHARS + 1))
    assert long.seen == "x" * (SEEN_CHARS - 1) + "…"
    assert finding(exchange([(1, event(1))]), "expected", "x" * SEEN_CHARS).seen == "x" * SEEN_CHARS


def test_a_finding_of_another_trace_has_no_exhibit() -> None:
    other = Finding("x9", (0, 0), 0, "expected", "seen")
    assert exhibit(other, trace(exchange([(1, event(1))])), GHOSTLY) is None


def test_a_hole_is_shown_by_the_event_behind_it_and_by_who_has_what_is_missing() -> None:
    whole, holed = exchange([(n, event(n)) for n in range(1, 5)]), exchange([(1, event(1)), (4, event(4))], "x2")
    tried = trace(whole, dataclasses.replace(holed, role="late"))
    first, late = (reading(one, GHOSTLY) for one in tried.exchanges)
    (lost,) = losses(first, late)
    found = loss(first, late, lost, "for a late reader")
    assert found.seen == "2 missing of 4, then assist.step_start"
    assert holed.body[slice(*found.span)] == event(4)
    made = exhibit(found, tried, GHOSTLY)
    assert made is not None
    assert "".join(piece.text for piece in made.excerpt if piece.marked) == printable_bytes(event(4))
    size = len(event(1))
    assert made.witness == f"exchange x1 (reader), bytes {size}-{2 * size}"
    assert "".join(piece.text for piece in made.proof) == printable_bytes(event(2))


def test_of_a_hole_at_the_end_its_place_is_shown() -> None:
    whole, holed = exchange([(n, event(n)) for n in range(1, 4)]), exchange([(1, event(1))], "x2")
    first, late = reading(whole, GHOSTLY), reading(holed, GHOSTLY)
    found = loss(first, late, losses(first, late)[0], "for a late reader")
    assert (found.seen, found.span) == ("2 missing of 3, and none after it", (len(event(1)), len(event(1))))
