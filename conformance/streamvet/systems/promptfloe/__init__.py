"""promptfloe: builds and skill runs, resumed from a cursor."""

from __future__ import annotations

from streamvet.system import System
from streamvet.systems.promptfloe.checks import CHECKS
from streamvet.systems.promptfloe.probes import PROBES
from streamvet.systems.promptfloe.words import WORDS

SYSTEM = System(
    "promptfloe", CHECKS, PROBES,
    serves={
        "straight": ("PFL-02", "PFL-03", "PFL-04", "PFL-07", "PFL-09"),
        "cancel": ("PFL-06",),
        "cuts": ("PFL-10",),
        "intruders": ("PFL-12",),
        "starts": ("PFL-12",),
        "cancel finished": ("PFL-06",),
    },
    words=WORDS, of_bytes=frozenset({"PFL-04", "PFL-07"}),
)  # fmt: skip
