"""The accounts of a local test server: fixed, public, and of no value anywhere else.

It must not know HTTP or runs. Passwords, keys and the signing key stand here in clear because they are test data that
the README prints too; nothing real may ever be put next to them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from streamvet_server.wire import json_text

if TYPE_CHECKING:
    import sqlite3

    from streamvet_server.store import Store


@dataclass(frozen=True, slots=True)
class Account:
    """Who is asking: a user, or a workspace of promptfloe."""

    name: str
    id: str
    role: str = "user"
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Secret:
    salt: str
    digest: str


def _sealed(password: str, salt: str) -> _Secret:
    # n=2**12: some milliseconds; a test server's passwords need no more.
    digest = hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt.encode(), n=2**12, r=8, p=1)
    return _Secret(salt, digest.hex())


PASSWORD = "correct horse battery staple"  # noqa: S105 -- public test data, as the module says
OTHER_PASSWORD = "a different staple"  # noqa: S105
ADMIN_PASSWORD = "the keys to the stable"  # noqa: S105
GHOSTLY_ACCOUNTS = (
    (Account("a@example.org", "user_a", projects=("demo",)), PASSWORD),
    (Account("b@example.org", "user_b", projects=("other-demo",)), OTHER_PASSWORD),
    (Account("admin@example.org", "user_admin", role="admin"), ADMIN_PASSWORD),
)

PROMPTFLOE_KEY = "pf_test_workspace_a_0123456789abcdef"
PROMPTFLOE_OTHER_KEY = "pf_test_workspace_b_0123456789abcdef"
PROMPTFLOE_EXPIRED_KEY = "pf_test_workspace_a_expired_01234567"
PROMPTFLOE_KEYS = {PROMPTFLOE_KEY: Account("ws_a", "ws_a"), PROMPTFLOE_OTHER_KEY: Account("ws_b", "ws_b")}

ROCKSTAR_ACCOUNTS = (Account("user a", "rks_a"), Account("user b", "rks_b"))


class Users:
    """The users of ghostly: the fixed ones, and those that were registered, which the store keeps."""

    def __init__(self, store: Store, profile: str) -> None:
        self._store = store
        self._profile = profile
        self._fixed = {account.name: password for account, password in GHOSTLY_ACCOUNTS}
        self._accounts = {account.name: account for account, _ in GHOSTLY_ACCOUNTS}
        self._secrets: dict[str, _Secret] = {}
        for name, document in store.read_now(lambda connection: stored_users(connection, profile)):
            held = json.loads(document)
            self._accounts[name] = replace(Account(**held["account"]), projects=tuple(held["account"]["projects"]))
            self._secrets[name] = _Secret(**held["secret"])

    def first(self) -> Account:
        """The first account: who asks, where a fault lets somebody in whom nobody knows."""
        return GHOSTLY_ACCOUNTS[0][0]

    def find(self, name: str) -> Account | None:
        """The account of an e-mail address."""
        return self._accounts.get(name)

    def login(self, name: str, password: str) -> Account | None:
        """The account, where the password is its own."""
        given = password.encode("utf-8", "surrogatepass")
        if name in self._fixed:
            right = hmac.compare_digest(given, self._fixed[name].encode())
        elif name in self._secrets:
            secret = self._secrets[name]
            right = hmac.compare_digest(_sealed(password, secret.salt).digest, secret.digest)
        else:
            right = False
        return self._accounts[name] if right else None

    async def register(self, name: str, password: str, role: str) -> Account:
        """Add an account; its name must be free."""
        account = Account(name, f"user_{secrets.token_hex(8)}", role)
        secret = _sealed(password, secrets.token_hex(8))
        self._accounts[name] = account
        self._secrets[name] = secret
        document = json_text({"account": asdict(account), "secret": asdict(secret)})
        await self._store.write(
            lambda connection: store_user(connection, self._profile, name, document),
        )
        return account


FLEET_ACCOUNTS = (
    (Account("a@example.org", "member_a", projects=("storefront", "billing")), PASSWORD),
    (Account("b@example.org", "member_b", projects=("warehouse",)), OTHER_PASSWORD),
)


def fleet_login(name: str, password: str) -> Account | None:
    """The account of agent-workspace, where the password is its own."""
    given = password.encode("utf-8", "surrogatepass")
    of_name = ((account, own) for account, own in FLEET_ACCOUNTS if account.name == name)
    return next((account for account, own in of_name if hmac.compare_digest(given, own.encode())), None)


def stored_users(connection: sqlite3.Connection, profile: str) -> list[tuple[str, str]]:
    """Name and document of each user of a system that was registered."""
    return connection.execute("SELECT name, document FROM users WHERE profile = ?", (profile,)).fetchall()


def store_user(connection: sqlite3.Connection, profile: str, name: str, document: str) -> None:
    """Keep a user of a system."""
    connection.execute("INSERT INTO users VALUES (?, ?, ?)", (profile, name, document))
