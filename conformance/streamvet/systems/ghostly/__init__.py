"""ghostly: the events of a test run, with a full replay for each reader."""

from __future__ import annotations

from streamvet.system import System
from streamvet.systems.ghostly.checks import CHECKS
from streamvet.systems.ghostly.probes import PROBES
from streamvet.systems.ghostly.words import WORDS

SYSTEM = System(
    "ghostly", CHECKS, PROBES,
    serves={
        "straight": ("GHO-01", "GHO-02", "GHO-03", "GHO-11", "GHO-14"),
        "cancel": ("GHO-04", "GHO-13"),
    },
    words=WORDS, of_bytes=frozenset({"GHO-02"}),
)  # fmt: skip
