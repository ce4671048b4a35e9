"""What `--list-accounts` prints of cosma: nothing, as it has no accounts, and nothing that is started."""

from __future__ import annotations

from typing import Any

LISTED: dict[str, Any] = {}
