"""Streams that a server closed before their runs were over, and to which their readers came back: their pieces, joined.

What is said of a run as a whole is judged of what its reader has in the end; a finding names the piece it is in. Must
not know probes, nor which requirement looks.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from streamvet.decode import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamvet.contract.profile import Profile
    from streamvet.outcome import Finding
    from streamvet.trace import Exchange, Trace

# What a piece ends with, so that nothing of it runs into the next one: an empty line, or a line that is over.
_WHOLE = {"sse": (b"\n\n", b"\r\r", b"\r\n\r\n"), "ndjson": (b"\n",)}


class Strand(NamedTuple):
    """The pieces of one stream, in their order, and the offset in the whole at which each of them begins."""

    pieces: tuple[Exchange, ...]
    starts: tuple[int, ...]


def strands_of(trace: Trace, profile: Profile) -> Mapping[str, Strand]:
    """The streams that are in several pieces, by the id of the first one."""
    found: dict[str, list[Exchange]] = {}
    for one in trace.exchanges:
        if "strand" in one.about and opened(one):
            found.setdefault(str(one.about["strand"]), []).append(one)
    strands = [_strand(pieces, profile) for pieces in found.values()]
    return {one.pieces[0].id: one for one in strands if len(one.pieces) > 1}


def joined(trace: Trace, strands: Mapping[str, Strand], *, keeps: bool) -> Trace:
    """The trace with the whole of each stream in the place of its first piece; it `keeps` the others, or has none."""
    whole = {name: _whole(one) for name, one in strands.items()}
    gone = {piece.id for one in strands.values() for piece in one.pieces[1:]} if not keeps else set()
    return replace(trace, exchanges=tuple(whole.get(one.id, one) for one in trace.exchanges if one.id not in gone))


def _strand(pieces: list[Exchange], profile: Profile) -> Strand:
    """The pieces up to the first one that does not end as a piece does."""
    count = 1 + next(
        (n for n, one in enumerate(pieces) if one.body and not one.body.endswith(_WHOLE[profile.framing])),
        len(pieces) - 1,
    )
    kept = tuple(pieces[:count])
    return Strand(kept, tuple(accumulate((len(one.body) for one in kept[:-1]), initial=0)))


def _whole(strand: Strand) -> Exchange:
    first, last = strand.pieces[0], strand.pieces[-1]
    ends, times = array(first.ends.typecode), array(first.times.typecode)
    for piece, start in zip(*strand, strict=True):
        ends.extend(start + end for end in piece.ends)
        times.extend(piece.times)
    return replace(
        first,
        body=b"".join(piece.body for piece in strand.pieces),
        ends=ends,
        times=times,
        ending=last.ending,
        ended_us=last.ended_us,
        detail=last.detail,
        about={**first.about, **_of_the_end(last), "away_us": _away_us(strand.pieces)},
    )


def _of_the_end(last: Exchange) -> dict[str, Any]:
    return {name: last.about[name] for name in ("silent_ms", "stuck") if name in last.about}


def _away_us(pieces: tuple[Exchange, ...]) -> int:
    """For how long the reader was away, which is no time of the server's."""
    return sum(max(piece.sent_us - before.ended_us, 0) for before, piece in pairwise(pieces))


def firsts_of(strands: Mapping[str, Strand]) -> Mapping[str, str]:
    """The id of the first piece of a stream, by that of each other one."""
    return {piece.id: first for first, one in strands.items() for piece in one.pieces[1:]}


def placed(findings: Iterable[Finding], strands: Mapping[str, Strand]) -> list[Finding]:
    """Findings of joined streams, each in the piece in which it is."""
    return [_placed(one, strands) for one in findings]


def _placed(one: Finding, strands: Mapping[str, Strand]) -> Finding:
    made = one
    if one.exchange in strands:
        name, span = _place(strands[one.exchange], one.span)
        made = replace(made, exchange=name, span=span)
    if one.witness and one.witness[0] in strands:
        made = replace(made, witness=_place(strands[one.witness[0]], one.witness[1]))
    return made


def _place(strand: Strand, span: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """The piece that has the end of a span, and the part of the span that is in it."""
    number = max(n for n, start in enumerate(strand.starts) if n == 0 or start < span[1])
    start = strand.starts[number]
    return strand.pieces[number].id, (max(span[0] - start, 0), max(span[1] - start, 0))
