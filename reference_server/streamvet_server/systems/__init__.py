"""The one table of systems: each has a room of its own here, and nothing outside of it knows what is in there.

`__main__`, `app`, `catalogue` and `listing` read it, and no other module imports a system; nor does one system another.
A room hands on `routes.SYSTEM`, `listing.LISTED`, `faults.FAULTS` and `faults.TRAITS`. Each is imported when it is
asked for: a file watcher and a library of ciphers take a tenth of the time in which the server starts, and a suite that
kills it starts it often.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet_server.faults.fault import Fault
    from streamvet_server.faults.traits import Traits
    from streamvet_server.site import System

# The room of each system, by the name of its profile.
SYSTEMS: Mapping[str, str] = {
    "ghostly": "ghostly",
    "promptfloe": "promptfloe",
    "agent-workspace": "agent_workspace",
    "rockstar": "rockstar",
    "cosma": "cosma",
}


def _of(profile: str, module: str, name: str) -> Any:
    return getattr(import_module(f"{__name__}.{SYSTEMS[profile]}.{module}"), name)


def system(profile: str) -> System:
    """The system as it is served."""
    found: System = _of(profile, "routes", "SYSTEM")
    return found


def listed(profile: str) -> Mapping[str, Any]:
    """Its accounts and the bodies of its starts."""
    found: Mapping[str, Any] = _of(profile, "listing", "LISTED")
    return found


def own_faults(profile: str) -> tuple[Fault, ...]:
    """The faults that no other system can commit."""
    found: tuple[Fault, ...] = _of(profile, "faults", "FAULTS")
    return found


def traits(profile: str) -> Traits:
    """What generic faults go by on it."""
    found: Traits = _of(profile, "faults", "TRAITS")
    return found
