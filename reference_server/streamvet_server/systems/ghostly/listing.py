"""What `--list-accounts` prints of ghostly: accounts, and the bodies of runs."""

from __future__ import annotations

from typing import Any

from streamvet_server.systems.ghostly.tokens import EXPIRED_TOKEN
from streamvet_server.systems.ghostly.users import ACCOUNTS

_BASE = "http://127.0.0.1:9"


def _steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"baseUrl": _BASE, "project": "demo", "steps": list(steps)}


_GOTO = {"action": "goto", "url": f"{_BASE}/"}
_FILL = {"action": "fill", "selector": "#password", "value": "hunter2"}
_CLICK = {"action": "click", "selector": "#go"}

(_FIRST, _PASSWORD), (_SECOND, _OTHER_PASSWORD), _ = ACCOUNTS

LISTED: dict[str, Any] = {
    "credentials": {"email": _FIRST.name, "password": _PASSWORD},
    "other_credentials": {"email": _SECOND.name, "password": _OTHER_PASSWORD},
    "expired_credentials": {"token": EXPIRED_TOKEN},
    "inputs": {
        "run": {
            "succeeds": _steps(_GOTO, _FILL, _CLICK),
            "fails": _steps(_GOTO, {"action": "goto", "url": f"{_BASE}/fails"}),
            # Two minutes, scaled: eight heartbeats.
            "long": _steps(_GOTO, {"action": "waitForSelector", "selector": "#late", "timeoutMs": 120_000}),
        }
    },
}
