"""The members of agent-workspace, and the projects that each of them may see at first. Public test data."""

from __future__ import annotations

import hmac

from streamvet_server.accounts import OTHER_PASSWORD, PASSWORD, Account

ACCOUNTS = (
    (Account("a@example.org", "member_a", projects=("storefront", "billing")), PASSWORD),
    (Account("b@example.org", "member_b", projects=("warehouse",)), OTHER_PASSWORD),
)


def login(name: str, password: str) -> Account | None:
    """The account of a name, where the password is its own."""
    given = password.encode("utf-8", "surrogatepass")
    of_name = ((account, own) for account, own in ACCOUNTS if account.name == name)
    return next((account for account, own in of_name if hmac.compare_digest(given, own.encode())), None)
