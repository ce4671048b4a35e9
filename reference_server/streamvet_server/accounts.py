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
from typing import TYPE_CHECKING, Any

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

# Another key than ghostly's, so that neither system takes the other's tokens.
ROCKSTAR_SIGNING_KEY = "streamvet local test server: rockstar's key, public too, signs nothing real"
ROCKSTAR_ACCOUNTS = (Account("user a", "rks_a"), Account("user b", "rks_b"))


def issue_token(account: Account, issued_s: int | None = None) -> str:
    """A JWT of ghostly: HS256, 7 days, claims sub, email, role, iat, exp."""
    issued = int(time.time()) if issued_s is None else issued_s
    claims = {"sub": account.id, "email": account.name, "role": account.role, "iat": issued}
    return jwt.encode(claims | {"exp": issued + TOKEN_LIFE_S}, SIGNING_KEY, algorithm="HS256")


_LONG_AGO_S = 1_577_836_800  # 2020-01-01: what was issued then expired a week later
EXPIRED_TOKEN = issue_token(GHOSTLY_ACCOUNTS[0][0], issued_s=_LONG_AGO_S)


def issue_rockstar_token(account: Account, expires_s: int) -> str:
    """A JWT of rockstar: HS256, claims sub and exp (seconds since 1970)."""
    return jwt.encode({"sub": account.id, "exp": expires_s}, ROCKSTAR_SIGNING_KEY, algorithm="HS256")


# A token from the challenge lives a day; these are printed in lists and files, so they live until 2100.
ROCKSTAR_TOKEN, ROCKSTAR_OTHER_TOKEN = (issue_rockstar_token(account, 4_102_444_800) for account in ROCKSTAR_ACCOUNTS)
ROCKSTAR_EXPIRED_TOKEN = issue_rockstar_token(ROCKSTAR_ACCOUNTS[0], _LONG_AGO_S)


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


FLEET_ACCOUNTS = (
    (Account("a@example.org", "member_a", projects=("storefront", "billing")), PASSWORD),
    (Account("b@example.org", "member_b", projects=("warehouse",)), OTHER_PASSWORD),
)
SESSION_LIFE_S = TOKEN_LIFE_S  # unpublished, so the same
_FLEET = "agent-workspace"  # the audience of its tokens: no other system's are taken for one, nor these for theirs


def fleet_login(name: str, password: str) -> Account | None:
    """The account of agent-workspace, where the password is its own."""
    given = password.encode("utf-8", "surrogatepass")
    of_name = ((account, own) for account, own in FLEET_ACCOUNTS if account.name == name)
    return next((account for account, own in of_name if hmac.compare_digest(given, own.encode())), None)


def issue_session(account: Account, issued_s: int | None = None) -> str:
    """The value of agent-workspace's cookie: a JWT, HS256."""
    issued = int(time.time()) if issued_s is None else issued_s
    claims = {"sub": account.id, "email": account.name, "aud": _FLEET, "iat": issued, "exp": issued + SESSION_LIFE_S}
    return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")


EXPIRED_SESSION = issue_session(FLEET_ACCOUNTS[0][0], issued_s=_LONG_AGO_S)


def of_session(value: str, *, even_if_expired: bool = False) -> Account:
    """The account of agent-workspace that a cookie's value names.

    Raises:
        jwt.ExpiredSignatureError: it was ours and has expired.
        jwt.InvalidTokenError: it is not ours, or names nobody.
    """
    options: Any = {"require": ["exp", "email", "aud"], "verify_exp": not even_if_expired}
    claims = jwt.decode(value, SIGNING_KEY, algorithms=["HS256"], audience=_FLEET, options=options)
    account = next((account for account, _ in FLEET_ACCOUNTS if account.name == claims["email"]), None)
    if account is None:
        raise jwt.InvalidTokenError("nobody")
    return account


def stored_users(connection: sqlite3.Connection, profile: str) -> list[tuple[str, str]]:
    """Name and document of each user of a system that was registered."""
    return connection.execute("SELECT name, document FROM users WHERE profile = ?", (profile,)).fetchall()


def store_user(connection: sqlite3.Connection, profile: str, name: str, document: str) -> None:
    """Keep a user of a system."""
    connection.execute("INSERT INTO users VALUES (?, ?, ?)", (profile, name, document))
