"""What `--list-accounts` prints: accounts, and bodies that make a run succeed, fail or stay active.

It must not know how they are served: rows only.
"""

from __future__ import annotations

from typing import Any

from streamvet_server import accounts as held
from streamvet_server import tokens

_BASE = "http://127.0.0.1:9"


def _ghostly(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"baseUrl": _BASE, "project": "demo", "steps": list(steps)}


_GOTO = {"action": "goto", "url": f"{_BASE}/"}
_FILL = {"action": "fill", "selector": "#password", "value": "hunter2"}
_CLICK = {"action": "click", "selector": "#go"}

_SESSION_ID = "6f1c2a34-0000-4000-8000-000000000001"
_SESSION = '{"type":"user","message":{"role":"user","content":"Three prices, one page."}}\n'


def accounts() -> dict[str, Any]:
    """Per system: credentials, another account's, expired ones, and inputs per kind of start."""
    (first, password), (second, other_password), _ = held.GHOSTLY_ACCOUNTS
    (member, member_password), (stranger, stranger_password) = held.FLEET_ACCOUNTS
    return {
        "ghostly": {
            "credentials": {"email": first.name, "password": password},
            "other_credentials": {"email": second.name, "password": other_password},
            "expired_credentials": {"token": tokens.EXPIRED_TOKEN},
            "inputs": {
                "run": {
                    "succeeds": _ghostly(_GOTO, _FILL, _CLICK),
                    "fails": _ghostly(_GOTO, {"action": "goto", "url": f"{_BASE}/fails"}),
                    # Two minutes, scaled: eight heartbeats.
                    "long": _ghostly(_GOTO, {"action": "waitForSelector", "selector": "#late", "timeoutMs": 120_000}),
                }
            },
        },
        "promptfloe": {
            "credentials": {"token": held.PROMPTFLOE_KEY},
            "other_credentials": {"token": held.PROMPTFLOE_OTHER_KEY},
            "expired_credentials": {"token": held.PROMPTFLOE_EXPIRED_KEY},
            "inputs": {
                "build": {
                    "succeeds": {"prompt": "pricing page", "augmenters": ["dark-mode"]},
                    "fails": {"prompt": "a pricing page that fails"},
                    "long": {"prompt": "a pricing page that takes long"},
                },
                "skill": {
                    "succeeds": {"alias": "summarise", "text": "Three prices, one page."},
                    "fails": {"alias": "summarise-fails", "text": "Three prices, one page."},
                    "long": {"alias": "summarise-long", "text": "Three prices, one page."},
                },
                "augmenter": {
                    "succeeds": {"alias": "dark-mode", "appId": "app_demo"},
                    "fails": {"alias": "dark-mode-fails", "appId": "app_demo"},
                    "long": {"alias": "dark-mode-long", "appId": "app_demo"},
                },
                "message": {
                    "succeeds": {"prompt": "pricing page", "mode": "build"},
                    "fails": {"prompt": "a pricing page that fails", "mode": "build"},
                    "long": {"prompt": "a pricing page that takes long", "mode": "build"},
                },
            },
        },
        "agent-workspace": {
            "credentials": {"email": member.name, "password": member_password},
            "other_credentials": {"email": stranger.name, "password": stranger_password},
            "expired_credentials": {"cookie": f"session={tokens.EXPIRED_SESSION}"},
        },
        "rockstar": {
            "credentials": {"token": tokens.ROCKSTAR_TOKEN},
            "other_credentials": {"token": tokens.ROCKSTAR_OTHER_TOKEN},
            "expired_credentials": {"token": tokens.ROCKSTAR_EXPIRED_TOKEN},
            "inputs": {
                "session": {"succeeds": {"session_id": _SESSION_ID, "title": "Demo", "data": _SESSION}},
                "plan": {"succeeds": {"name": "demo.md", "content": "# Demo\n\n1. Read\n2. Write\n"}},
            },
        },
        "cosma": {},  # it has no accounts, and nothing that is started
    }
