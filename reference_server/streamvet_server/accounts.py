"""The accounts of a local test server: fixed, public, and of no value anywhere else.

It must not know HTTP or runs. Passwords, keys and the signing key stand here in clear because they are test data that
the README prints too; nothing real may ever be put next to them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import jwt

from streamvet_server.wire import json_text

if TYPE_CHECKING:
    import sqlite3

    from streamvet_server.store import Store

# Signs the tokens of this local test server only; at least 32 bytes, as RFC 7518, 3.2 asks for HS256.
SIGNING_KEY = "streamvet local test server: this key is public and signs nothing real"
TOKEN_LIFE_S = 7 * 24 * 3600  # ghostly's tokens live 7 days


@dataclass(frozen=True, slots=True)
class Account:
    """Who is asking: a user of ghostly, or a workspace of promptfloe."""

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


def issue_token(account: Account, issued_s: int | None = None) -> str:
    """A JWT of ghostly: HS256, 7 days, claims sub, email, role, iat, exp."""
    issued = int(time.time()) if issued_s is None else issued_s
    claims = {"sub": account.id, "email": account.name, "role": account.role, "iat": issued}
    return jwt.encode(claims | {"exp": issued + TOKEN_LIFE_S}, SIGNING_KEY, algorithm="HS256")


# Issued on 2020-01-01, so it expired a week later.
EXPIRED_TOKEN = issue_token(GHOSTLY_ACCOUNTS[0][0], issued_s=1_577_836_800)


class Users:
    """The users of ghostly: the fixed ones, and those that were registered, which the store keeps."""

    def __init__(self, store: Store, profile: str) -> None:
        self._store = store
        self._profile = profile
        self._fixed = {account.name: password for account, password in GHOSTLY_ACCOUNTS}
        self._accounts = {account.name: account for account, _ in GHOSTLY_ACCOUNTS}
        self._secrets: dict[str, _Secret] = {}
        for name, document in store.read_now(lambda connection: _users(connection, profile)):
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
            lambda connection: _put_user(connection, self._profile, name, document),
        )
        return account

    def of_token(self, token: str, *, even_if_expired: bool = False) -> Account:
        """The account that a token of ours names.

        Raises:
            jwt.ExpiredSignatureError: it was ours and has expired.
            jwt.InvalidTokenError: it is not ours, or names nobody.
        """
        required = ["exp", "email"]
        claims = jwt.decode(
            token, SIGNING_KEY, algorithms=["HS256"], options={"require": required, "verify_exp": not even_if_expired}
        )
        account = self._accounts.get(claims["email"])
        if account is None:
            raise jwt.InvalidTokenError("nobody")
        return account


def _users(connection: sqlite3.Connection, profile: str) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, document FROM users WHERE profile = ?", (profile,)).fetchall()


def _put_user(connection: sqlite3.Connection, profile: str, name: str, document: str) -> None:
    connection.execute("INSERT INTO users VALUES (?, ?, ?)", (profile, name, document))
