"""The tokens of a local test server: signed, and looked at when they come back.

Apart from the accounts, as systems without tokens need no JWT. It must not know HTTP or runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

from streamvet_server.accounts import FLEET_ACCOUNTS, GHOSTLY_ACCOUNTS, ROCKSTAR_ACCOUNTS

if TYPE_CHECKING:
    from streamvet_server.accounts import Account, Users

# Signs the tokens of this local test server only; at least 32 bytes, as RFC 7518, 3.2 asks for HS256.
SIGNING_KEY = "streamvet local test server: this key is public and signs nothing real"
TOKEN_LIFE_S = 7 * 24 * 3600  # ghostly's tokens live 7 days

# Another key than ghostly's, so that neither system takes the other's tokens.
ROCKSTAR_SIGNING_KEY = "streamvet local test server: rockstar's key, public too, signs nothing real"
SESSION_LIFE_S = TOKEN_LIFE_S  # unpublished, so the same
_FLEET = "agent-workspace"  # the audience of its tokens: no other system's are taken for one, nor these for theirs


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


def of_token(users: Users, token: str, *, even_if_expired: bool = False) -> Account:
    """The account that a token of ours names.

    Raises:
        jwt.ExpiredSignatureError: it was ours and has expired.
        jwt.InvalidTokenError: it is not ours, or names nobody.
    """
    required = ["exp", "email"]
    claims = jwt.decode(
        token, SIGNING_KEY, algorithms=["HS256"], options={"require": required, "verify_exp": not even_if_expired}
    )
    account = users.find(claims["email"])
    if account is None:
        raise jwt.InvalidTokenError("nobody")
    return account


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
