"""What `--list-accounts` prints of rockstar: tokens, and the bodies of pushes."""

from __future__ import annotations

from typing import Any

from streamvet_server.systems.rockstar.tokens import EXPIRED_TOKEN, OTHER_TOKEN, TOKEN

_SESSION_ID = "6f1c2a34-0000-4000-8000-000000000001"
_SESSION = '{"type":"user","message":{"role":"user","content":"Three prices, one page."}}\n'

LISTED: dict[str, Any] = {
    "credentials": {"token": TOKEN},
    "other_credentials": {"token": OTHER_TOKEN},
    "expired_credentials": {"token": EXPIRED_TOKEN},
    "inputs": {
        "session": {"succeeds": {"session_id": _SESSION_ID, "title": "Demo", "data": _SESSION}},
        "plan": {"succeeds": {"name": "demo.md", "content": "# Demo\n\n1. Read\n2. Write\n"}},
    },
}
