"""The users of ghostly: fixed ones, and those whom an admin has registered, which the store keeps.

It must not know HTTP, tokens or runs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from streamvet_server.accounts import OTHER_PASSWORD, PASSWORD, Account, store_user, stored_users
from streamvet_server.site import Spread
from streamvet_server.store import Unkept
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamvet_server.store import Store

ADMIN_PASSWORD = "the keys to the stable"  # noqa: S105 -- public test data
ACCOUNTS = (
    (Account("a@example.org", "user_a", projects=("demo",)), PASSWORD),
    (Account("b@example.org", "user_b", projects=("other-demo",)), OTHER_PASSWORD),
    (Account("admin@example.org", "user_admin", role="admin"), ADMIN_PASSWORD),
)


@dataclass(frozen=True, slots=True)
class _Secret:
    salt: str
    digest: str


def _sealed(password: str, salt: str) -> _Secret:
    # n=2**12: some milliseconds; a test server's passwords need no more.
    digest = hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt.encode(), n=2**12, r=8, p=1)
    return _Secret(salt, digest.hex())


class Users(Spread):
    """The fixed users, and those that were registered."""

    def __init__(self, store: Store, profile: str) -> None:
        self._store = store
        self._profile = profile
        self._fixed = {account.name: password for account, password in ACCOUNTS}
        self._accounts = {account.name: account for account, _ in ACCOUNTS}
        self._secrets: dict[str, _Secret] = {}
        for name, document in store.read_now(lambda connection: stored_users(connection, profile)):
            held = json.loads(document)
            self._accounts[name] = replace(Account(**held["account"]), projects=tuple(held["account"]["projects"]))
            self._secrets[name] = _Secret(**held["secret"])

    def first(self) -> Account:
        """The first account: who asks, where a fault lets somebody in whom nobody knows."""
        return ACCOUNTS[0][0]

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
        self._accounts[name] = account  # from here on the name is taken
        self._secrets[name] = secret
        held = {"account": asdict(account), "secret": asdict(secret)}
        document = json_text(held)
        try:
            if self.tell is not None:
                await self.tell({"user": name, **held})
            else:
                await self._store.write(lambda connection: store_user(connection, self._profile, name, document))
        except Unkept:
            del self._accounts[name], self._secrets[name]
            raise
        return account

    def take(self, document: Mapping[str, Any]) -> None:
        """Take up an account that was registered."""
        name, account = document["user"], document["account"]
        self._accounts[name] = replace(Account(**account), projects=tuple(account["projects"]))
        self._secrets[name] = _Secret(**document["secret"])
