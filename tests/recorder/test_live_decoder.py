"""What a running stream shows is decoded as its bytes come, however many of them there are at once."""

from __future__ import annotations

import tracemalloc

from streamvet.contract.loading import load_profile
from streamvet.recorder.live_decoder import PIECE_BYTES, LiveDecoder

GHOSTLY = load_profile("ghostly")
EVENT = b'data: {"kind":"status","status":"running","text":"%s"}\n\n' % (b"x" * 60_000)


def test_what_has_gathered_is_decoded_in_pieces() -> None:
    body = bytearray(EVENT * 400)
    decoder = LiveDecoder(GHOSTLY)
    tracemalloc.start()
    try:
        decoder.feed(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(one.start, one.end) for one in decoder.seen] == [
        (number * len(EVENT), (number + 1) * len(EVENT)) for number in range(400)
    ]
    assert peak < 8 * PIECE_BYTES < len(body) // 8
