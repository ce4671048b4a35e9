"""What `--list-accounts` prints: accounts, and bodies that make a run succeed, fail or stay active.

It must not know how they are served, nor any system: it collects what each of them lists.
"""

from __future__ import annotations

from typing import Any

from streamvet_server.systems import SYSTEMS, listed


def accounts() -> dict[str, Any]:
    """Per system: credentials, another account's, expired ones, and inputs per kind of start."""
    return {profile: listed(profile) for profile in SYSTEMS}
