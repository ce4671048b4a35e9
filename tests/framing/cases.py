"""The cases of both decoders, as rows: a name, and the input in pieces with the frame that each piece is.

The pieces of a case, joined, are its input; so a row cannot state spans that do not tile. A flaw is found in its
piece by the text that is wrong there. Must not know how the decoders work, nor which test reads a row.
"""

from __future__ import annotations

from typing import NamedTuple

from streamvet.framing.frame import Flaw, Frame, Kind, Violation


class Wrong(NamedTuple):
    """A flaw at the first place in its piece where `at` stands (the last one for what repeats another).

    `at` is what was seen unless given.
    """

    flaw: Flaw
    seen: str
    at: bytes | None = None


class Piece(NamedTuple):
    """Bytes, and the frame that they are."""

    raw: bytes
    kind: Kind
    data: str = ""
    event: str = ""
    id: str | None = None
    data_lines: int = 0
    wrong: tuple[Wrong, ...] = ()


class Case(NamedTuple):
    """A name, and pieces."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def body(self) -> bytes:
        """The whole input."""
        return b"".join(piece.raw for piece in self.pieces)

    @property
    def frames(self) -> list[Frame]:
        """The frames that tile it."""
        frames: list[Frame] = []
        start = 0
        for raw, kind, data, event, id_, data_lines, wrong in self.pieces:
            end = start + len(raw)
            flaws = []
            for flaw, seen, at in wrong:
                place = seen.encode() if at is None else at
                at_byte = start + (raw.rindex(place) if flaw is Flaw.REPEATED_FIELD else raw.index(place))
                flaws.append(Violation(flaw, at_byte, at_byte + len(place), seen))
            frames.append(Frame(kind, start, end, data, event, id_, data_lines, tuple(flaws)))
            start = end
        return frames


def case(name: str, *pieces: Piece) -> Case:
    return Case(name, pieces)


def event(raw: bytes, data: str, *wrong: Wrong, event: str = "", id_: str | None = None, lines: int = 1) -> Piece:
    return Piece(raw, Kind.EVENT, data, event, id_, lines, wrong)


def malformed(raw: bytes, data: str, *wrong: Wrong, event: str = "", id_: str | None = None, lines: int = 1) -> Piece:
    return Piece(raw, Kind.MALFORMED, data, event, id_, lines, wrong)


def comment(raw: bytes, text: str, *wrong: Wrong) -> Piece:
    return Piece(raw, Kind.COMMENT, text, wrong=wrong)


def blank(raw: bytes, *wrong: Wrong) -> Piece:
    return Piece(raw, Kind.BLANK, wrong=wrong)


def dataless(raw: bytes, *wrong: Wrong, event: str = "", id_: str | None = None) -> Piece:
    return Piece(raw, Kind.BLANK, "", event, id_, wrong=(Wrong(Flaw.NO_DATA, raw.decode(), raw), *wrong))


def partial(
    raw: bytes,
    data: str,
    *wrong: Wrong,
    event: str = "",
    id_: str | None = None,
    lines: int = 1,
    seen: str | None = None,
) -> Piece:
    unended = Wrong(Flaw.UNENDED, raw.decode() if seen is None else seen, raw)
    return Piece(raw, Kind.PARTIAL, data, event, id_, lines, (unended, *wrong))


def line(raw: bytes, data: str, *wrong: Wrong) -> Piece:
    return Piece(raw, Kind.LINE, data, wrong=wrong)


BOM = b"\xef\xbb\xbf"
_BOM = Wrong(Flaw.BOM, "\ufeff")
_CR = Wrong(Flaw.CR, "\r")
_CRLF = Wrong(Flaw.CR, "\r\n")


def _unknown(text: str) -> Wrong:
    return Wrong(Flaw.UNKNOWN_FIELD, text)


def _not_utf8(at: bytes) -> Wrong:
    return Wrong(Flaw.NOT_UTF8, "".join(f"\\x{byte:02x}" for byte in at), at)


SSE_CASES: tuple[Case, ...] = (
    # The examples of WHATWG HTML 9.2.6, in its order.
    case("whatwg: three data lines", event(b"data: YHOO\ndata: +2\ndata: 10\n\n", "YHOO\n+2\n10", lines=3)),
    case(
        "whatwg: four blocks, the last one not ended",
        comment(b": test stream\n", " test stream"),
        blank(b"\n"),
        event(b"data: first event\nid: 1\n\n", "first event", id_="1"),
        event(b"data:second event\nid\n\n", "second event", id_=""),
        partial(b"data:  third event\n", " third event"),
    ),
    case(
        "whatwg: empty data, twice empty data, and one that is not ended",
        event(b"data\n\n", ""),
        event(b"data\ndata\n\n", "\n", lines=2),
        partial(b"data:", ""),
    ),
    case("whatwg: the space after the colon", event(b"data:test\n\n", "test"), event(b"data: test\n\n", "test")),
    case(
        "whatwg: named events",
        event(b"event: add\ndata: 73857293\n\n", "73857293", event="add"),
        event(b"event: remove\ndata: 2153\n\n", "2153", event="remove"),
    ),
    # Lines and their ends.
    case("nothing"),
    case("one empty line", blank(b"\n")),
    case("three empty lines", blank(b"\n"), blank(b"\n"), blank(b"\n")),
    case("CRLF", event(b"data: a\r\n\r\n", "a", _CRLF), event(b"event: e\r\ndata: b\r\n\r\n", "b", _CRLF, event="e")),
    case("CR", event(b"data: a\r\r", "a", _CR), event(b"id: 1\rdata: b\r\r", "b", _CR, id_="1")),
    case("CR at the end of the input", event(b"data: a\n\r", "a", _CR)),
    case("CR alone", blank(b"\r", _CR)),
    case("CRLF alone", blank(b"\r\n", _CRLF)),
    case("LF CR is two ends", event(b"data: a\n\r", "a", _CR), event(b"data: b\n\n", "b")),
    case("CR CRLF is two ends", event(b"data: a\r\r\n", "a", _CR), event(b"data: b\n\n", "b")),
    case("CRLF CR is two ends", event(b"data: a\r\n\r", "a", _CRLF), event(b"data: b\n\n", "b")),
    case("CRLF LF is two ends", event(b"data: a\r\n\n", "a", _CRLF)),
    case("LF CRLF is two ends", event(b"data: a\n\r\n", "a", _CRLF)),
    case("LF LF CR is three ends", event(b"data: a\n\n", "a"), blank(b"\r", _CR), event(b"data: b\n\n", "b")),
    case("one CRLF ends no block", event(b"data: a\r\ndata: b\r\n\r\n", "a\nb", _CRLF, lines=2)),
    case("CR inside a value splits the line", event(b"data: a\rb\n\n", "a", _CR, _unknown("b"))),
    case("LF, then a later line with CRLF", event(b"data: a\ndata: b\r\n\n", "a\nb", _CRLF, lines=2)),
    case(
        "U+2028, U+2029, U+0085 end nothing", event("data: a\u2028b\u2029c\x85d\n\n".encode(), "a\u2028b\u2029c\x85d")
    ),
    case("VT and FF end nothing", event(b"data: a\vb\fc\n\n", "a\vb\fc")),
    # The byte order mark.
    case("BOM before data", event(BOM + b"data: a\n\n", "a", _BOM)),
    case("BOM before a comment", comment(BOM + b":c\n", "c", _BOM), event(b"data: a\n\n", "a")),
    case("BOM before an empty line", blank(BOM + b"\n", _BOM), event(b"data: a\n\n", "a")),
    case("BOM before CRLF", event(BOM + b"data: a\r\n\r\n", "a", _BOM, _CRLF)),
    case("two BOMs: one is text", event(BOM * 2 + b"data: a\ndata: b\n\n", "b", _BOM, _unknown("\ufeffdata: a"))),
    case(
        "BOM before a later block is text",
        event(b"data: a\n\n", "a"),
        dataless(BOM + b"data: b\n\n", _unknown("\ufeffdata: b")),
    ),
    case("BOM inside a value is text", event(b"data: " + BOM + b"a\n\n", "\ufeffa")),
    case("BOM alone", partial(BOM, "", _BOM, lines=0)),
    case("two bytes of a BOM", partial(BOM[:2], "", lines=0, seen=r"\xef\xbb")),
    case(
        "two bytes of a BOM before a line",
        malformed(
            BOM[:2] + b"data: a\ndata: b\n\n",
            "b",
            _not_utf8(BOM[:2]),
            Wrong(Flaw.UNKNOWN_FIELD, "\\xef\\xbbdata: a", BOM[:2] + b"data: a"),
        ),
    ),
    # Fields.
    case("no space after the colon", event(b"event:e\nid:1\ndata:a\n\n", "a", event="e", id_="1")),
    case("one of two spaces goes", event(b"event:  e\nid:  1\ndata:  a\n\n", " a", event=" e", id_=" 1")),
    case("a tab stays", event(b"data:\ta\n\n", "\ta")),
    case("spaces at the end stay", event(b"data: a \nevent: e \n\n", "a ", event="e ")),
    case("colons in a value", event(b"data: a:b: c\n\n", "a:b: c")),
    case("a value of one colon", event(b"data::\n\n", ":")),
    case("data without colon", event(b"data\n\n", "")),
    case("data with colon only", event(b"data:\n\n", "")),
    case("data with colon and space only", event(b"data: \n\n", "")),
    case("empty data lines around text", event(b"data\ndata: a\ndata:\n\n", "\na\n", lines=3)),
    case("a name in capitals", event(b"Data: a\ndata: b\n\n", "b", _unknown("Data: a"))),
    case("a space before the colon", event(b"data : a\ndata: b\n\n", "b", _unknown("data : a"))),
    case("a space before the name", event(b" data: a\ndata: b\n\n", "b", _unknown(" data: a"))),
    case("a longer name", event(b"datas: a\ndata: b\n\n", "b", _unknown("datas: a"))),
    case("an unknown field without colon", event(b"hello\ndata: b\n\n", "b", _unknown("hello"))),
    case("two unknown fields", event(b"x: 1\ny: 2\ndata: b\n\n", "b", _unknown("x: 1"), _unknown("y: 2"))),
    case("an unknown field alone", dataless(b"foo: bar\n\n", _unknown("foo: bar")), event(b"data: a\n\n", "a")),
    case("a JSON line outside a field", dataless(b'{"a":1}\n\n', _unknown('{"a":1}'))),
    case("event after data", event(b"data: a\nevent: e\n\n", "a", event="e")),
    case("event between data lines", event(b"data: a\nevent: e\ndata: b\n\n", "a\nb", event="e", lines=2)),
    case("id before event", event(b"id: 1\nevent: e\ndata: a\n\n", "a", event="e", id_="1")),
    case("event before id", event(b"event: e\nid: 1\ndata: a\n\n", "a", event="e", id_="1")),
    case("an event name does not stay", event(b"event: e\ndata: a\n\n", "a", event="e"), event(b"data: b\n\n", "b")),
    case("an empty event name is none", event(b"event:\ndata: a\n\n", "a"), event(b"event\ndata: b\n\n", "b")),
    case("event without data", dataless(b"event: e\n\n", event="e"), event(b"data: a\n\n", "a")),
    case(
        "a second event line replaces the first",
        event(b"event: e\nevent: f\ndata: a\n\n", "a", Wrong(Flaw.REPEATED_FIELD, "event: f"), event="f"),
    ),
    case(
        "event lines around an id",
        event(
            b"event: e\nid: 1\nevent: f\ndata: a\n\n", "a", Wrong(Flaw.REPEATED_FIELD, "event: f"), event="f", id_="1"
        ),
    ),
    case(
        "an empty second event line empties the name",
        event(b"event: e\ndata: a\nevent\n\n", "a", Wrong(Flaw.REPEATED_FIELD, "event")),
    ),
    # Ids.
    case("an id stays for later events", event(b"id: 1\ndata: a\n\n", "a", id_="1"), event(b"data: b\n\n", "b")),
    case("an empty id resets", event(b"id: 1\ndata: a\n\n", "a", id_="1"), event(b"id:\ndata: b\n\n", "b", id_="")),
    case("an id without data counts", dataless(b"id: 7\n\n", id_="7"), event(b"data: a\n\n", "a")),
    case(
        "an id with NUL is ignored",
        event(b"id: 1\ndata: a\n\n", "a", id_="1"),
        event(b"id: 2\x003\ndata: b\n\n", "b", Wrong(Flaw.NUL_IN_ID, "id: 2\x003")),
    ),
    case(
        "an id with NUL behind a good one",
        event(b"id: 1\nid: \x00\ndata: a\n\n", "a", Wrong(Flaw.NUL_IN_ID, "id: \x00"), id_="1"),
    ),
    case(
        "a second id line replaces the first",
        event(b"id: 1\nid: 2\ndata: a\n\n", "a", Wrong(Flaw.REPEATED_FIELD, "id: 2"), id_="2"),
    ),
    case("an id that is not a number", event(b"id: \xc3\xa9/\xf0\x9f\x98\x80\ndata: a\n\n", "a", id_="é/😀")),
    case("NUL in data and event is text", event(b"event: e\x00\ndata: \x00\n\n", "\x00", event="e\x00")),
    # Retry.
    case("retry", event(b"retry: 10000\ndata: a\n\n", "a")),
    case("retry with zeros", event(b"retry: 0010000\ndata: a\n\n", "a")),
    case("retry alone", dataless(b"retry: 10000\n\n"), event(b"data: a\n\n", "a")),
    *(
        case(
            f"retry {value!r}",
            event(b"retry: " + value + b"\ndata: a\n\n", "a", Wrong(Flaw.BAD_RETRY, "retry: " + value.decode())),
        )
        for value in (
            b"",
            b"-1",
            b"+1",
            b"1.5",
            b"1e3",
            b" 1",
            b"1 ",
            b"0x10",
            b"1_000",
            b"soon",
            "\uff11\uff10".encode(),
        )
    ),
    case("retry without colon", event(b"retry\ndata: a\n\n", "a", Wrong(Flaw.BAD_RETRY, "retry"))),
    # Comments.
    case("a comment", comment(b": hi\n", " hi")),
    case("an empty comment", comment(b":\n", "")),
    case("a comment is one line", comment(b": one\n", " one"), comment(b":two\n", "two"), event(b"data: a\n\n", "a")),
    case("a comment and an empty line", comment(b": ping\n", " ping"), blank(b"\n"), event(b"data: a\n\n", "a")),
    case(
        "a comment and an empty line once there is an id",
        event(b"id: 1\ndata: a\n\n", "a", id_="1"),
        comment(b": ping\n", " ping"),
        blank(b"\n"),
        event(b"data: b\n\n", "b"),
    ),
    case(
        "an empty line once there is an id",
        event(b"id: 1\ndata: a\n\n", "a", id_="1"),
        blank(b"\n"),
        event(b"data: b\n\n", "b"),
    ),
    case("a comment inside a block", event(b"data: a\n: not now\ndata: b\n\n", "a\nb", lines=2)),
    case("a comment inside a block of CRLF", event(b"data: a\r\n: c\r\n\r\n", "a", _CRLF)),
    case("a comment after the first field", dataless(b"event: e\n: c\n\n", event="e")),
    case("a comment before a block without data", comment(b":c\n", "c"), dataless(b"event: e\n\n", event="e")),
    case("a comment that looks like data", comment(b":data: a\n", "data: a"), event(b"data: b\n\n", "b")),
    case("a comment with CRLF", comment(b": c\r\n", " c", _CRLF), blank(b"\r\n", _CRLF)),
    case("a comment with CR", comment(b": c\r", " c", _CR), event(b"data: a\n\n", "a")),
    # What is not UTF-8.
    case(
        "a byte that is never UTF-8",
        malformed(b"data: a\xffb\n\n", "a\ufffdb", _not_utf8(b"\xff")),
        event(b"data: c\n\n", "c"),
    ),
    case(
        "a character cut by the end of its line",
        malformed(b"data: \xf0\x9f\x98\n\n", "\ufffd", _not_utf8(b"\xf0\x9f\x98")),
    ),
    case("a surrogate", malformed(b"data: \xed\xa0\x80\n\n", "\ufffd\ufffd\ufffd", _not_utf8(b"\xed"))),
    case("an overlong form", malformed(b"data: \xc0\xaf\n\n", "\ufffd\ufffd", _not_utf8(b"\xc0"))),
    case(
        "Latin-1 in an event name",
        malformed(b"event: \xe9t\xe9\ndata: a\n\n", "a", _not_utf8(b"\xe9"), event="\ufffdt\ufffd"),
    ),
    case("Latin-1 in an id", malformed(b"id: \xe9\ndata: a\n\n", "a", _not_utf8(b"\xe9"), id_="\ufffd")),
    case(
        "Latin-1 in a comment",
        malformed(b": \xe9\n", " \ufffd", _not_utf8(b"\xe9"), lines=0),
        event(b"data: a\n\n", "a"),
    ),
    case(
        "Latin-1 in a block without data",
        malformed(
            b"event: \xe9\n\n",
            "",
            Wrong(Flaw.NO_DATA, "event: \\xe9\n\n", b"event: \xe9\n\n"),
            _not_utf8(b"\xe9"),
            event="\ufffd",
            lines=0,
        ),
    ),
    case("Latin-1 with CRLF", malformed(b"data: \xe9\r\n\r\n", "\ufffd", _not_utf8(b"\xe9"), _CRLF)),
    case("characters of two, three and four bytes", event("data: é ✓ 😀\n\n".encode(), "é ✓ 😀")),
    # The end of the input.
    case(
        "the last empty line is missing",
        event(b"data: a\n\n", "a"),
        partial(b"event: e\nid: 9\ndata: b\n", "b", event="e", id_="9"),
    ),
    case("the last line end is missing", partial(b"data: a\ndata: b", "a\nb", lines=2)),
    case("a field name cut short is no unknown field", partial(b"data: a\ndat", "a")),
    case("a retry cut short is no bad retry", partial(b"data: a\nretry: -", "a")),
    case("flaws of the lines that did end", partial(b"foo: 1\ndata: a\r\nda", "a", _unknown("foo: 1"), _CRLF)),
    case("a comment cut short", comment(b": a\n", " a"), partial(b": b", "", lines=0)),
    case("a comment cut short inside a block", partial(b"data: a\n: b", "a")),
    case("a character cut short", partial(b"data: a\xf0\x9f", "a\ufffd", seen="data: a\\xf0\\x9f")),
    case("a bad byte before the cut", partial(b"data: \xffa", "\ufffda", _not_utf8(b"\xff"), seen="data: \\xffa")),
    case("CRLF cut after CR ends the line", partial(b"data: a\r", "a", _CR)),
    case("an unended line ends at the CR", event(b"data: a\r\n\r", "a", _CRLF)),
    # What a report shows of a long line.
    case(
        "a long unknown line is cut",
        event(b"x" * 60 + b"\ndata: a\n\n", "a", Wrong(Flaw.UNKNOWN_FIELD, "x" * 48 + "…", b"x" * 60)),
    ),
)

NDJSON_CASES: tuple[Case, ...] = (
    case("nothing"),
    case("two lines", line(b'{"a":1}\n', '{"a":1}'), line(b"[]\n", "[]")),
    case("an empty line", line(b"1\n", "1"), blank(b"\n"), line(b"2\n", "2")),
    case("lines of spaces and tabs", blank(b" \t \n"), blank(b"\t\n"), line(b"2\n", "2")),
    case("CRLF", line(b"{}\r\n", "{}", _CRLF), line(b"1\r\n", "1", _CRLF)),
    case("an empty line with CRLF", blank(b"\r\n", _CRLF), line(b"1\n", "1")),
    case("two CR before LF: one ends the line", line(b"1\r\r\n", "1\r", Wrong(Flaw.CR, "\r\n"))),
    case("CR inside a line ends nothing", line(b"1\r2\n", "1\r2")),
    case("CR CR LF of nothing else", blank(b"\r\r\n", _CRLF)),
    case("spaces around a value stay", line(b" 1 \n", " 1 ")),
    case("U+2028, U+2029, U+0085 end nothing", line('"a\u2028b\u2029c\x85d"\n'.encode(), '"a\u2028b\u2029c\x85d"')),
    case("VT, FF, FS, GS, RS end nothing", line(b'"\v\f\x1c\x1d\x1e"\n', '"\v\f\x1c\x1d\x1e"')),
    case("NO-BREAK SPACE is no JSON white space", line("\xa0\n".encode(), "\xa0")),
    case("NUL", line(b"\x00\n", "\x00")),
    case("what is not JSON is a line too", line(b"data: x\n", "data: x")),
    case("BOM", line(BOM + b"{}\n", "{}", _BOM), line(b"1\n", "1")),
    case("BOM with CRLF", line(BOM + b"{}\r\n", "{}", _BOM, _CRLF)),
    case("BOM before an empty line", blank(BOM + b"\n", _BOM)),
    case("two BOMs: one is text", line(BOM * 2 + b"1\n", "\ufeff1", _BOM)),
    case("BOM in a later line is text", line(b"1\n", "1"), line(BOM + b"2\n", "\ufeff2")),
    case("BOM alone", partial(BOM, "", _BOM, lines=0)),
    case("two bytes of a BOM", partial(BOM[:2], "\ufffd", lines=0, seen=r"\xef\xbb")),
    case(
        "a byte that is never UTF-8", malformed(b'"\xff"\n', '"\ufffd"', _not_utf8(b"\xff"), lines=0), line(b"1\n", "1")
    ),
    case("a character cut by LF", malformed(b'"\xe2\x80\n', '"\ufffd', _not_utf8(b"\xe2\x80"), lines=0)),
    case("a surrogate", malformed(b"\xed\xa0\x80\n", "\ufffd\ufffd\ufffd", _not_utf8(b"\xed"), lines=0)),
    case("Latin-1 with CRLF", malformed(b"\xe9\r\n", "\ufffd", _not_utf8(b"\xe9"), _CRLF, lines=0)),
    case(
        "UTF-16",
        malformed(b"\xff\xfe1\x00\n", "\ufffd\ufffd1\x00", _not_utf8(b"\xff"), lines=0),
        partial(b"\x00", "\x00", lines=0),
    ),
    case("the last LF is missing", line(b"1\n", "1"), partial(b'{"a":', '{"a":', lines=0)),
    case("the last LF is missing behind a CR", partial(b"{}\r", "{}\r", lines=0)),
    case("spaces without LF", line(b"1\n", "1"), partial(b" ", " ", lines=0)),
    case("a character cut short", partial(b'"\xf0\x9f', '"\ufffd', lines=0, seen='"\\xf0\\x9f')),
    case("a bad byte before the cut", partial(b'"\xffa', '"\ufffda', _not_utf8(b"\xff"), lines=0, seen='"\\xffa')),
)
