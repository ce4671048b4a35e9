"""Both decoders against their cases, and against what must hold for any bytes at all."""

from __future__ import annotations

import random
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamvet.framing import ndjson, sse
from streamvet.framing.frame import Flaw, Frame, Kind

from .by_the_letter import dispatched, dispatched_by
from .cases import BOM, NDJSON_CASES, SSE_CASES, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# CI runs FEW in seconds; `-m long` runs MANY in minutes. Both start from the same seed each time (derandomize).
FEW = 1_500
MANY = 100_000


class Decoder(Protocol):
    """What both decoders are."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""

    def close(self) -> list[Frame]:
        """What only the end decides."""


class Room(NamedTuple):
    """One framing, with what the tests need of it."""

    new: Callable[[], Decoder]
    decode: Callable[[bytes], list[Frame]]
    cases: tuple[Case, ...]
    suffix: bytes  # something whole, to stand behind a case


ROOMS = {
    "sse": Room(sse.SseDecoder, sse.decode, SSE_CASES, b"event: later\nid: 99\ndata: later\n\n: later\n\n"),
    "ndjson": Room(ndjson.NdjsonDecoder, ndjson.decode, NDJSON_CASES, b'{"later":true}\n\n'),
}
ALL_CASES = [pytest.param(room, case, id=f"{name}: {case.name}") for name, room in ROOMS.items() for case in room.cases]
EACH_ROOM = pytest.mark.parametrize("room", [pytest.param(room, id=name) for name, room in ROOMS.items()])


def fed(room: Room, chunks: Iterable[bytes]) -> list[Frame]:
    decoder = room.new()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.close()


QUIET = Room(partial(sse.SseDecoder, quiet=True), sse.decode, SSE_CASES, b"")


def events(frames: Iterable[Frame]) -> list[Frame]:
    """What is left without empty lines and comments, and what the end of the input cut off."""
    return [frame for frame in frames if frame.kind in {Kind.EVENT, Kind.MALFORMED} and frame.data_lines]


def test_a_flood_of_nothing_gives_no_frames() -> None:
    decoder = sse.SseDecoder(quiet=True)
    assert [decoder.feed(flood * 10_000) for flood in (b"\r", b"\n", b"\r\n", b": beat\n\n", b":\r")] == [[]] * 5
    assert [frame.data for frame in decoder.feed(b"\ndata: 1\n\n")] == ["1"]


def cut(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(min(at, len(body)) for at in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def moved(frames: Iterable[Frame], by: int) -> list[Frame]:
    return [
        frame._replace(
            start=frame.start + by,
            end=frame.end + by,
            violations=tuple(each._replace(start=each.start + by, end=each.end + by) for each in frame.violations),
        )
        for frame in frames
    ]


# --- cases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("room", "case"), ALL_CASES)
def test_whole(room: Room, case: Case) -> None:
    assert room.decode(case.body) == case.frames
    assert fed(room, [case.body]) == case.frames


@pytest.mark.parametrize(("room", "case"), ALL_CASES)
def test_byte_by_byte(room: Room, case: Case) -> None:
    assert fed(room, (case.body[at : at + 1] for at in range(len(case.body)))) == case.frames


@pytest.mark.parametrize(("room", "case"), ALL_CASES)
def test_every_cut_in_two(room: Room, case: Case) -> None:
    for at in range(len(case.body) + 1):
        assert fed(room, [case.body[:at], b"", case.body[at:]]) == case.frames, at


@pytest.mark.parametrize(("room", "case"), ALL_CASES)
def test_with_bytes_after_its_end(room: Room, case: Case) -> None:
    frames = room.decode(case.body + room.suffix)
    ended = [frame for frame in case.frames if frame.kind is not Kind.PARTIAL]
    assert frames[: len(ended)] == ended
    if ended == case.frames and case.body:
        assert frames[len(ended) :] == moved(room.decode(b"\n" + room.suffix), len(case.body) - 1)[1:]


@pytest.mark.parametrize(("room", "case"), ALL_CASES)
def test_frames_come_with_the_byte_that_ends_them(room: Room, case: Case) -> None:
    """A frame waits for no byte behind its own, but for the one that says whether a CR is half of a CRLF."""
    decoder = room.new()
    given_at = {}
    for at in range(len(case.body)):
        for frame in decoder.feed(case.body[at : at + 1]):
            given_at[frame.start] = at + 1
    for frame in case.frames:
        if frame.start in given_at:
            assert given_at[frame.start] - frame.end == (case.body[frame.end - 1 : frame.end] == b"\r"), frame
        else:
            assert frame.kind is Kind.PARTIAL or case.body.endswith(b"\r")


def test_case_names_are_unique_and_every_flaw_has_a_case() -> None:
    for room in ROOMS.values():
        assert len({case.name for case in room.cases}) == len(room.cases)
    shown = {each.flaw for room in ROOMS.values() for case in room.cases for f in case.frames for each in f.violations}
    assert shown == set(Flaw)


@EACH_ROOM
def test_a_closed_decoder_gives_nothing_and_takes_nothing(room: Room) -> None:
    decoder = room.new()
    decoder.feed(b"data: 1")
    assert [frame.kind for frame in decoder.close()] == [Kind.PARTIAL]
    assert decoder.close() == []
    with pytest.raises(ValueError, match="after close"):
        decoder.feed(b"\n")


@EACH_ROOM
def test_a_long_line_in_small_pieces(room: Room) -> None:
    """2 MiB in 32,768 pieces: were it quadratic, this alone would copy 32 GiB."""
    body = b"data: " + b"x" * (2 << 20) + b"\n\n"
    assert fed(room, cut(body, range(0, len(body), 64))) == room.decode(body)


# --- any bytes -----------------------------------------------------------------------------------------------------

TOKENS = (
    *(b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b":", b": ", b" ", b"\t", b"\0", BOM, BOM[:1], BOM[1:]),
    *(b"data", b"data: ", b"data: x\n\n", b"event: ", b"id: ", b"id", b"retry: ", b"foo", b": c\n", b"dat", b"Data:"),
    *(b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"0", b"17", b"null", b'{"a":1}\n', b"a"),
    *("\u2028".encode(), "\u0085".encode(), "😀".encode(), "é".encode()),
    *(b"\xff", b"\xc3", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\x80", b"\xc0\xaf"),
)
BODIES = st.lists(st.sampled_from(TOKENS), max_size=24).map(b"".join) | st.binary(max_size=48)
CUTS = st.lists(st.integers(0, 96), max_size=8)


def holds_for(body: bytes, cuts: list[int]) -> None:
    """Total, tiling, the same for every cut; and for SSE, what a reader by the letter dispatches."""
    for room in ROOMS.values():
        frames = room.decode(body)
        edges = [0, *(frame.end for frame in frames)]
        assert [frame.start for frame in frames] == edges[:-1]
        assert edges[-1] == len(body)
        for frame in frames:
            assert frame.start < frame.end
            for each in frame.violations:
                assert frame.start <= each.start < each.end <= frame.end
            assert (frame.kind is Kind.PARTIAL) == (Flaw.UNENDED in {each.flaw for each in frame.violations})
        assert Kind.PARTIAL not in {frame.kind for frame in frames[:-1]}
        assert fed(room, cut(body, cuts)) == frames
        assert fed(room, (body[at : at + 1] for at in range(len(body)))) == frames
    assert dispatched_by(sse.decode(body)) == dispatched(body)
    assert events(fed(QUIET, cut(body, cuts))) == events(sse.decode(body))
    lines = [frame for frame in ndjson.decode(body) if frame.kind is not Kind.PARTIAL]
    assert len(lines) == body.count(b"\n")


@settings(max_examples=FEW, derandomize=True, database=None, deadline=None)
@given(body=BODIES, cuts=CUTS)
@example(body=b"data: a\r\n\r\n", cuts=[8, 9, 10])
def test_any_bytes_in_any_cut(body: bytes, cuts: list[int]) -> None:
    holds_for(body, cuts)


@pytest.mark.long
@settings(max_examples=MANY, derandomize=True, database=None, deadline=None)
@given(body=BODIES, cuts=CUTS)
def test_any_bytes_in_any_cut_many_times(body: bytes, cuts: list[int]) -> None:
    holds_for(body, cuts)


@EACH_ROOM
def test_many_frames_over_chunk_borders(room: Room) -> None:
    """A stream of cases as a connection delivers it: hundreds of frames, chunks that end anywhere."""
    dice = random.Random(20240229)
    whole = [case.body for case in room.cases if case.body and case.frames[-1].kind is not Kind.PARTIAL]
    for _ in range(20):
        body = b"".join(dice.choices(whole, k=60))
        chunks = cut(body, (dice.randrange(len(body)) for _ in range(dice.randrange(40))))
        assert fed(room, chunks) == room.decode(body)
