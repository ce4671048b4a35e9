"""A stream with a content coding is read as far as that can be, and no further than it is worth."""

from __future__ import annotations

import zlib
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamvet.decode import uncoded
from streamvet.examples import base_trace, bases

if TYPE_CHECKING:
    from streamvet.trace import Exchange

MIB = 2**20


def _coded(*chunks: bytes, coding: str = "gzip") -> Exchange:
    plain = next(one for one in base_trace(bases()["ghostly-straight"]).exchanges if one.about.get("meant") == "stream")
    assert plain.head is not None
    ends = array("q", [sum(map(len, chunks[: at + 1])) for at in range(len(chunks))])
    head = plain.head._replace(headers=(*plain.head.headers, ("Content-Encoding", coding)))
    return replace(plain, head=head, body=b"".join(chunks), ends=ends, times=array("q", range(len(chunks))))


def _bomb(mebibytes: int) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(coder.compress(b" " * MIB) for _ in range(mebibytes)) + coder.flush()


def test_a_bomb_is_decoded_in_part_alone() -> None:
    bomb = _bomb(16)
    found = uncoded(_coded(bomb[:100], bomb[100:], b"more"))
    assert found is not None
    assert 0 < len(found.body) <= 4 * MIB
    assert len(found.ends) == len(found.times) == 3
    assert found.ends[-1] == len(found.body)


@pytest.mark.parametrize("cut", [0, 1, 9])
def test_what_is_no_gzip_ends_there(cut: int) -> None:
    data = zlib.compress(b"data: 1\n\n", wbits=31)[:cut] + b"nonsense" * 9
    found = uncoded(_coded(data, b"more"))
    assert found is not None
    assert list(found.ends) == [len(found.body)] * 2


def test_what_nobody_can_read_is_not_read() -> None:
    assert uncoded(_coded(b"x", coding="zoo")) is None
    assert uncoded(_coded(b"x", coding="gzip, gzip")) is None
