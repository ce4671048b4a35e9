"""A campaign: all tries on one candidate, planned, run beside each other, handed out as traces.

Judging is somebody else's, and later: must not know checks.
"""

from __future__ import annotations

from streamvet.campaign.calm import Calm
from streamvet.campaign.examining import Look, look_at
from streamvet.campaign.openings import Opening, Reach, reach_of
from streamvet.campaign.reaching import Unreachable
from streamvet.campaign.running import campaign
from streamvet.campaign.terms import Progress, Running, Settings, Summary, deadline_s
from streamvet.campaign.workshop import Explore, Workshop
from streamvet.probes.setting import FULL_EFFORT, SMALL_EFFORT, Effort

__all__ = [
    "FULL_EFFORT",
    "SMALL_EFFORT",
    "Calm",
    "Effort",
    "Explore",
    "Look",
    "Opening",
    "Progress",
    "Reach",
    "Running",
    "Settings",
    "Summary",
    "Unreachable",
    "Workshop",
    "campaign",
    "deadline_s",
    "look_at",
    "reach_of",
]
