"""The candidates of the zoo: what each does, and what the suite has to make of it.

A row misbehaves `at` one place of the system, and is tame everywhere else. `acts.py` has the ways to misbehave,
`launched.py` the programs of those that are launched; the docs print this table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .acts import (
    DONE,
    PLAIN,
    Act,
    answers,
    body,
    bomb,
    coded,
    describes,
    drips,
    endless,
    event,
    flood,
    floods_with,
    ndjson,
    nested,
    raw,
    reset,
    scripts,
    stall,
    starts,
    step,
    stream,
    with_text,
)  # fmt: skip
from .wire import CHUNKED, CLOSED, LAST_CHUNK, framed

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYWHERE, LAUNCHED = "everywhere", "launched"  # places besides those of `Wire.place`
NOT_LOOKED_AT = "what was due could not be observed"  # how long the suite waits for an answer is no verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate. It misbehaves at one place; or it is launched, as a program of `launched.py` or a command.

    The suite ends with `code` and these `verdicts`; `says` is a text in what it prints.
    """

    name: str
    does: str
    at: str
    act: Act | None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    code: int = 1
    says: str = ""
    target: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    framing: str = "sse"
    launch: str = ""
    deadline_s: int = 60
    memory_mib: int = 300


def _stream(
    name: str, does: str, act: Act, *failed: str, warned: tuple[str, ...] = (), passed: tuple[str, ...] = (),
    **more: Any,
) -> Row:  # fmt: skip
    verdicts = dict.fromkeys(passed, "PASS") | dict.fromkeys(warned, "WARN") | dict.fromkeys(failed, "FAIL")
    return Row(name, does, "stream", act, verdicts, **more)


def _other(name: str, does: str, at: str, act: Act, *failed: str, **more: Any) -> Row:
    return Row(name, does, at, act, dict.fromkeys(failed, "FAIL"), **more)


def _black_box(name: str, does: str, act: Act, *failed: str, **more: Any) -> Row:
    """Without control nobody knows how long a run takes: the deadline ends it."""
    target = {"evidence": "black-box", "inputs": {"run": {"succeeds": {}, "long": {"long": True}}}}
    return _stream(name, f"{does}; without control", act, *failed, target=target, options=("--deadline", "25"), **more)


def _launched(
    name: str, does: str, *failed: str, passed: tuple[str, ...] = (), command: str = "", **more: Any
) -> Row:  # fmt: skip
    verdicts = dict.fromkeys(passed, "PASS") | dict.fromkeys(failed, "FAIL")
    return Row(name, does, LAUNCHED, None, verdicts, launch=command or name, **more)


# Streams. One that does not follow its script violates ORD-05 or TRM-07 besides: only what is meant is in a row.
FRAMING = (
    _stream("every-byte", "sends each of the 256 bytes as a stream",
            stream(bytes(range(256)) + b"\n\n"), "EVT-01"),
    _stream("broken-utf-8", "ends an event inside a character",
            stream(event(1, '{"type":"step","text":"')[:-2] + b"\xf0\x9f\n\n"), "EVT-01"),
    _stream("nul", "sends 64 KiB of NUL",
            stream(bytes(65_536)), "SSE-01"),
    _stream("cr-alone", "sends 64 KiB of CR",
            stream(b"\r" * 65_536), "TRM-01"),
    _stream("lf-alone", "sends 64 KiB of LF",
            stream(b"\n" * 65_536), "TRM-01"),
    _stream("comments", "sends 20,000 comments and nothing else",
            stream(*[b":\n" * 2_000] * 10), "TRM-01"),
    _stream("ids-alone", "sends 5,000 ids without an event",
            stream(*[b"id: 1\n\n" * 500] * 10), "TRM-01"),
    _stream("data-lines", "writes an event on 100,000 data lines",
            stream(*[b"data: 1\n" * 10_000] * 10, b"\n"), "EVT-02"),
    _stream("no-end-of-line", "sends a line without end",
            flood(b"data: " + b"x" * 65_530), code=3, says="limit: line"),
    _stream("no-end-of-event", "sends an event without end",
            flood(b"data: x\n" * 8_192), code=3, says="limit: event"),
    _stream("retry", "asks to be left alone for 10^400 ms",
            stream(b"retry: 1%s\n\n" % (b"0" * 400), PLAIN), "ORD-05"),
    _stream("large-id", "gives an event an id of 100 kB",
            stream(b"id: %s\n" % (b"9" * 100_000) + PLAIN), "ORD-05", warned=("SSE-05",)),
    _stream("percent-ids", "gives an event an id of 30,000 %",
            stream(b"id: %s\n" % (b"%" * 30_000) + PLAIN), "ORD-05", warned=("SSE-05",)),
    _stream("surrogate-id", "gives an event an id that is half a character",
            stream(b"id: \xed\xa0\x80\n" + PLAIN), "EVT-01"),
)  # fmt: skip
JSON = (
    _stream("deep", "nests 100,000 lists in an event",
            stream(event(1, with_text(nested(100_000))), DONE), "ORD-05"),
    _stream("digits", "sends an integer of 100,000 digits",
            stream(event(1, with_text("9" * 100_000)), DONE), "ORD-05", warned=("EVT-04",)),
    _stream("not-finite", "sends 1e999999999, NaN and Infinity",
            stream(*(event(n, with_text(one)) for n, one in enumerate(("1e999999999", "NaN", "-Infinity"))), DONE),
            "EVT-02"),
    _stream("lone-surrogates", "writes halves of characters as escapes",
            stream(event(1, with_text(r'"\ud800"')), event(2, with_text(r'"\udfff\ud800"')), DONE),
            "ORD-05", warned=("EVT-05",)),
    _stream("same-names", "writes one name 50,000 times into an object",
            stream(event(1, "{" + '"type":"step",' * 50_000 + '"text":"x"}'), DONE),
            "ORD-05", warned=("EVT-03",)),
    _stream("types", "gives each of 3,000 events a type of its own",
            stream(*(event(n, f'{{"type":"t{n}"}}') for n in range(3_000)), DONE), "EVT-11"),
    _stream("large-type", "gives an event a type of 500 kB",
            stream(event(1, '{"type":"' + "t" * 500_000 + '"}'), DONE), "EVT-11"),
    _stream("no-objects", "sends numbers, texts and lists for events",
            stream(*(event(n, one) for n, one in enumerate(("1", '"x"', "[]", "null", "true"))), DONE), "EVT-07"),
    _stream("ndjson-no-end-of-line", "sends a line of NDJSON without end",
            ndjson(b"[" * 65_536, forever=True), code=3, says="limit: line", framing="ndjson"),
    _stream("ndjson-blank", "sends 64 KiB of empty lines as NDJSON",
            ndjson(b"\n" * 2**16), "TRM-01", framing="ndjson"),
    _stream("ndjson-in-a-row", "writes 20,000 documents on a line",
            ndjson(b"{}" * 20_000 + b"\n"), "NDJ-02", framing="ndjson"),
)  # fmt: skip
HTTP = (
    _stream("half-a-chunk", "sends half a chunk, and then nothing",
            raw(CHUNKED, b"40\r\ndata: ", then=stall), "HBT-01"),
    _stream("no-chunk", "sends no chunk where one has to be",
            raw(CHUNKED, b"nonsense\r\n"), "TRN-04"),
    _stream("large-chunk", "begins a chunk of 2^64 bytes",
            raw(CHUNKED, b"ffffffffffffffff\r\n" + PLAIN), "TRN-04"),
    _stream("chunk-extension", "gives a chunk an extension without end",
            endless(b"x" * 65_536, CHUNKED, b"5;"), "TRN-04"),
    _stream("trailers", "sends trailer fields without end",
            endless(b"X-Trailer: 1\r\n" * 1_000, CHUNKED, framed(PLAIN), b"0\r\n"), "TRN-04"),
    _stream("short", "closes before the length that it promised",
            raw(CLOSED + b"Content-Length: 99999\r\n\r\n" + PLAIN), "TRN-04"),
    _stream("two-lengths", "promises two lengths",
            raw(CLOSED + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + PLAIN), "TRN-01"),
    _stream("length-and-chunks", "says both a length and chunks",
            raw(CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n", framed(PLAIN), LAST_CHUNK), "TRN-05"),
    _stream("endless-head", "sends header fields without end",
            endless(b"X-Field: 1\r\n" * 100, CLOSED), code=3, says="limit: head"),
    _stream("slow-head", "sends a byte of the head every 0.1 s",
            drips(CHUNKED, 0.1), code=3, says=NOT_LOOKED_AT),
    _stream("continues", "answers 100 Continue without end",
            endless(b"HTTP/1.1 100 Continue\r\n\r\n", every_s=0.001), code=3, says=NOT_LOOKED_AT),
    _stream("no-http", "answers with other bytes than HTTP",
            raw(bytes(range(256))), "TRN-01"),
    _stream("switches", "switches to another protocol",
            raw(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + bytes(100)), "TRN-01"),
    _stream("redirects", "redirects to itself",
            raw(b"HTTP/1.1 302 X\r\nLocation: .\r\nContent-Length: 0\r\n\r\n"), "TRN-01"),
    _stream("empty", "answers 204, with a stream behind it",
            raw(b"HTTP/1.1 204 X\r\n\r\n" + PLAIN), "TRN-01", "TRN-02"),
    _stream("behind-the-end", "sends heartbeats without end behind the end of a stream",
            endless(b": beat\n\n", CHUNKED, framed(PLAIN), LAST_CHUNK, every_s=0.01), "TRN-04"),
    _stream("flood-behind-the-end", "sends as fast as it can behind the end of a stream",
            endless(b"x" * 65_536, CHUNKED, framed(PLAIN), LAST_CHUNK), "TRN-04"),
    _stream("reset-inside", "resets the connection inside an event",
            raw(CHUNKED, framed(step(1)[:-9]), then=reset), "TRN-04"),
)  # fmt: skip
CODINGS = (
    _stream("gzip-that-is-none", "says gzip and sends plain text",
            coded(b"gzip", PLAIN), "TRN-04", warned=("TRN-16",)),
    _stream("unknown-coding", "names a coding that does not exist",
            coded(b"zoo", PLAIN), code=3, warned=("TRN-16",)),
    _stream("gzip-bomb", "sends 1 GiB of spaces in 1 MiB of gzip",
            coded(b"gzip", bomb(1024)), code=3, says="TRN-07",
            options=("--only", "TRN-07"), target={"max_starts": 30}),
)  # fmt: skip
FLOODS = (
    _stream("flood-of-events", "sends events as fast as it can",
            flood(step(1)), code=3, passed=("TRN-01",)),
    _stream("flood-of-large-events", "sends events of 60 KiB as fast as it can",
            flood(step(1, "x" * 61_440)), code=3, passed=("TRN-01",)),
    _stream("beats-without-end", "sends heartbeats after the last event, without end",
            endless(framed(b": beat\n\n"), CHUNKED, framed(PLAIN), every_s=0.2), "TRM-03"),
    _stream("events-without-end", "sends events without end",
            flood(step(1), every_s=0.05), "HBT-02"),
    _stream("a-byte-a-second", "sends a byte a second",
            drips(CHUNKED + framed(PLAIN), 1.0), code=3, says=NOT_LOOKED_AT),
    _stream("first-event-alone", "says nothing after the first event",
            stream(step(1), then=stall), "HBT-01"),
    _stream("silence", "answers nothing to a request for a stream",
            stall, code=3, says=NOT_LOOKED_AT),
)  # fmt: skip
BLACK_BOX = (
    _black_box("unended-chunk", "sends half a chunk, and then nothing",
               raw(CHUNKED, b"40\r\ndata: ", then=stall), "HBT-01", says="a longer --deadline"),
    _black_box("unended-run", "sends events without end",
               flood(step(1), every_s=0.05), "HBT-02", says="a longer --deadline"),
    _black_box("unended-beats", "sends heartbeats after the last event, without end",
               endless(framed(b": beat\n\n"), CHUNKED, framed(PLAIN), every_s=0.2), "TRM-03"),
)  # fmt: skip
ANSWERS = (
    _other("start-large-id", "gives a run an id of 100 kB",
           "start", starts("r" * 100_000), code=3, says="attach cannot be sent: URL too long"),
    _other("start-surrogate", "gives a run an id that is half a character",
           "start", raw(body(b'{"run":"\\ud800"}', b"201 Created")), code=3, says="attach cannot be sent"),
    _other("start-percent", "gives a run an id of 30,000 %",
           "start", starts("%" * 30_000), code=3, says="attach cannot be sent: URL too long"),
    _other("start-lines", "gives a run an id with CR LF and a header field",
           "start", starts("r\r\nX-Evil: 1\r\n\r\n"), "TRN-01"),
    _other("start-path", "gives a run an id that is a path to somewhere else",
           "start", starts("../../../?x=1#y"), "TRN-01"),
    _other("start-digits", "gives a run a number of 100,000 digits for an id",
           "start", raw(body(b'{"run":%s}' % (b"9" * 100_000), b"201 Created")), "EVT-10"),
    _other("start-deep", "answers a start with 100,000 nested lists",
           "start", raw(body(nested(100_000).encode(), b"201 Created")), "EVT-10"),
    _other("start-flood", "answers a start without end",
           "start", floods_with(b"x", b"201 Created"), code=3, says="not read to the end"),
    _other("start-later", "puts each start off for 10^12 s",
           "start", answers({}, 429, b"Retry-After: 1000000000000\r\n"), "TRN-01"),
    _other("start-silence", "answers no start",
           "start", stall, code=3, says=NOT_LOOKED_AT),
    _other("record-deep", "sends a record of 100,000 nested lists",
           "record", raw(body(nested(100_000).encode())), "EVT-10"),
    _other("record-flood", "sends a record without end",
           "record", floods_with(b"x"), "TRM-07"),
    _other("all-silence", "answers nothing at all",
           EVERYWHERE, stall, code=3, says="does not answer", options=("--wait", "1")),
    _other("all-close", "closes each connection at once",
           EVERYWHERE, raw(), code=3, says="closes connections", options=("--wait", "1")),
    _other("all-reset", "resets each connection",
           EVERYWHERE, raw(then=reset), code=3, says="reset", options=("--wait", "1")),
)  # fmt: skip
CONTROL = (
    _other("can-5", "says that its control interface can 5",
           "control", describes(can=5), code=2, says="/can in its answer"),
    _other("can-all", "says that it can do whatever there is and more, and does nothing of it",
           "control", describes(can=["script", "publish", "state", "fail", "reset", "fly", 7, None]), code=2,
           says="/can/5 in its answer"),
    _other("other-profile", "says that it implements another profile",
           "control", describes(profile="ghostly"), code=2, says="/profile"),
    _other("infinite-scale", "says that its intervals are scaled by infinity",
           "control", raw(body(b'{"control":1,"profile":"zoo","time_scale":1e999,"can":[]}')), code=2,
           says="/time_scale"),
    _other("describes-deep", "describes itself with 100,000 nested lists",
           "control", raw(body(nested(100_000).encode())), code=2, says="/control"),
    _other("describes-flood", "describes itself without end",
           "control", floods_with(b"["), code=2, says="/control"),
    _other("describes-silence", "does not answer describe",
           "control", stall, code=2, says="no answer"),
    _other("script-lines", "gives a script an id with CR LF and a header field",
           "control", scripts(answers({"script": "s\r\nX-Evil: 1"}, 201)), code=3,
           says="does not take a script"),
    _other("script-large-id", "gives a script an id of 100 kB",
           "control", scripts(answers({"script": "s" * 100_000}, 201)), "ORD-05"),
    _other("script-ignored", "takes each script and performs none",
           "control", scripts(answers({"script": "none"}, 201)), "ORD-05"),
)  # fmt: skip
PROCESSES = (
    _launched("dies", "ends at once",
              code=3, says="exited with 1"),
    _launched("says-bytes", "prints 256 kB of bytes that are no text, and ends",
              code=3, says="exited with 7"),
    _launched("no-program", "is no program",
              command="/no/such/program", code=2, says="/launch/command"),
    _launched("never-listens", "never listens",
              code=3, says="not up within"),
    _launched("elsewhere", "listens on another port",
              code=3, says="not up within"),
    _launched("segfault", "ends by a segmentation fault in a stream",
              "TRN-01", says="exited with -11"),
    _launched("exits-in-stream", "ends in a stream without a word",
              "TRN-01", says="exited with 3"),
    _launched("stops", "stops in a stream, as with Ctrl-Z",
              "TRN-01"),
    _launched("daemon", "leaves for a session of its own, as a daemon does",
              code=3, says="left 1 processes behind"),
    _launched("forks", "has 30 children, each in a session of its own",
              code=3, passed=("TRN-01",)),
    _launched("forks-and-dies", "leaves a child behind and ends in a stream",
              "TRN-01", says="left 1 processes behind"),
    _launched("kills-launcher", "kills the process that has started it",
              "TRN-01", says="it killed the process that watches it"),
    _launched("stops-launcher", "stops the process that has started it",
              code=3, passed=("TRN-01",)),
    _launched("prints", "prints without end",
              code=3, passed=("TRN-01",)),
    _launched("prints-a-line", "prints a line without end",
              code=3, passed=("TRN-01",)),
    _launched("stays", "ignores SIGTERM",
              code=3, passed=("TRN-01",)),
    _launched("closes-output", "closes its standard streams",
              code=3, passed=("TRN-01",)),
)  # fmt: skip
TAME = (
    Row("tame", "does nothing wrong", EVERYWHERE, None, {"TRN-01": "PASS", "SSE-01": "PASS", "EVT-09": "PASS"}, 0,
        options=("--only", "SSE,TRN-01,EVT-09"), target={"max_starts": 30}),
)  # fmt: skip
ROWS: tuple[Row, ...] = (
    *TAME, *FRAMING, *JSON, *HTTP, *CODINGS, *FLOODS, *BLACK_BOX, *ANSWERS, *CONTROL, *PROCESSES,
)  # fmt: skip
