"""rockstar: the progress of one push, in the answer to it."""

from __future__ import annotations

from streamvet.system import System
from streamvet.systems.rockstar.checks import CHECKS
from streamvet.systems.rockstar.probes import GENERATED, PROBES
from streamvet.systems.rockstar.words import WORDS

SYSTEM = System(
    "rockstar", CHECKS, PROBES, words=WORDS, program=GENERATED, generation="streamvet.systems.rockstar.generation"
)
