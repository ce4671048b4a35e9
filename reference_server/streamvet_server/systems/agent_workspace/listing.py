"""What `--list-accounts` prints of agent-workspace: accounts; there is nothing that is started."""

from __future__ import annotations

from typing import Any

from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS
from streamvet_server.systems.agent_workspace.tokens import EXPIRED_SESSION

(_FIRST, _PASSWORD), (_SECOND, _OTHER_PASSWORD) = ACCOUNTS

LISTED: dict[str, Any] = {
    "credentials": {"email": _FIRST.name, "password": _PASSWORD},
    "other_credentials": {"email": _SECOND.name, "password": _OTHER_PASSWORD},
    "expired_credentials": {"cookie": f"session={EXPIRED_SESSION}"},
}
