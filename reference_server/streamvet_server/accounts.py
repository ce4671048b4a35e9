"""The accounts of a local test server: what an account is, and how the store keeps those that were registered.

It must not know HTTP, runs or a system. Passwords and keys stand in clear, here and in the systems, because they are
test data that the README prints too; nothing real may ever be put next to them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamvet_server.database import put, rows
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Account:
    """Who is asking: a user, or a workspace."""

    name: str
    id: str
    role: str = "user"
    projects: tuple[str, ...] = ()


# Of the first and the second account, wherever there are passwords.
PASSWORD = "correct horse battery staple"  # noqa: S105 -- public test data, as the module says
OTHER_PASSWORD = "a different staple"  # noqa: S105


def stored_users(connection: sqlite3.Connection, profile: str) -> list[tuple[str, str]]:
    """Name and document of each user of a system that was registered."""
    return [
        (json.loads(name), document) for _, name, document in rows(connection, "users", "WHERE profile = ?", (profile,))
    ]


def store_user(connection: sqlite3.Connection, profile: str, name: str, document: str) -> None:
    """Keep a user of a system. The name is kept as JSON text, which has a form for every string."""
    put(connection, "users", profile, json_text(name), document)
