"""What `--list-accounts` prints of promptfloe: keys, and the bodies of starts."""

from __future__ import annotations

from typing import Any

from streamvet_server.systems.promptfloe.accounts import EXPIRED_KEY, KEY, OTHER_KEY

LISTED: dict[str, Any] = {
    "credentials": {"token": KEY},
    "other_credentials": {"token": OTHER_KEY},
    "expired_credentials": {"token": EXPIRED_KEY},
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
}
