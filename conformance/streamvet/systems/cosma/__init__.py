"""cosma: what an indexing service does, to everybody, without any replay."""

from __future__ import annotations

from streamvet.system import System
from streamvet.systems.cosma.checks import CHECKS
from streamvet.systems.cosma.probes import PROBES
from streamvet.systems.cosma.words import WORDS

SYSTEM = System("cosma", CHECKS, PROBES, serves={"broadcast": ("COS-03",)}, words=WORDS)
