"""The recorder: the only room that opens a socket or reads a clock.

It turns requests into exchanges: bytes with the monotonic times at which they came, and how each ended. It must not
know what a requirement is, why a request is sent, or what a conforming candidate answers.
"""

from __future__ import annotations

from streamvet.masking import Secrets
from streamvet.recorder.clock import JitterMeter, now_us, pause, wait_until
from streamvet.recorder.limits import LIMITS, Limits
from streamvet.recorder.live import CutPlan, Live
from streamvet.recorder.live_decoder import LiveDecoder, Seen
from streamvet.recorder.looking import explained
from streamvet.recorder.patience import Patience
from streamvet.recorder.recorder import Ask, Recorder
from streamvet.recorder.tape import Tape

__all__ = [
    "LIMITS",
    "Ask",
    "CutPlan",
    "JitterMeter",
    "Limits",
    "Live",
    "LiveDecoder",
    "Patience",
    "Recorder",
    "Secrets",
    "Seen",
    "Tape",
    "explained",
    "now_us",
    "pause",
    "wait_until",
]
