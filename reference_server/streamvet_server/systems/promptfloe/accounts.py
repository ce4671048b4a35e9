"""The workspaces of promptfloe, and the keys that open them. Public test data."""

from __future__ import annotations

from streamvet_server.accounts import Account

KEY = "pf_test_workspace_a_0123456789abcdef"
OTHER_KEY = "pf_test_workspace_b_0123456789abcdef"
EXPIRED_KEY = "pf_test_workspace_a_expired_01234567"
KEYS = {KEY: Account("ws_a", "ws_a"), OTHER_KEY: Account("ws_b", "ws_b")}
