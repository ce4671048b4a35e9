"""Probes turn stimuli into requests; the table of all of them.

A probe judges nothing: it performs operations and gives each exchange a role. Probes must not know checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.probes import ghostly, promptfloe, reading
from streamvet.probes.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet.probes.scripts import Vocabulary

# Profiles whose runs a script can speak for.
VOCABULARIES: Mapping[str, Vocabulary] = {"ghostly": ghostly.WORDS, "promptfloe": promptfloe.WORDS}

PROBES: tuple[Probe, ...] = (
    Probe(
        "straight",
        reading.straight,
        ("TRN-01",),
        reading.straight_stimuli,
    ),
)
