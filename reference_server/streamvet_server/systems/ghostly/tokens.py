"""The tokens of ghostly: JWTs that name a user by the e-mail address. It must not know HTTP or runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt

from streamvet_server.systems.ghostly.users import ACCOUNTS
from streamvet_server.tokens import LIFE_S, LONG_AGO_S, claims_of, signed

if TYPE_CHECKING:
    from streamvet_server.accounts import Account
    from streamvet_server.systems.ghostly.users import Users


def issue_token(account: Account, issued_s: int | None = None) -> str:
    """A token: HS256, 7 days, claims sub, email, role, iat, exp."""
    issued = int(time.time()) if issued_s is None else issued_s
    claims = {"sub": account.id, "email": account.name, "role": account.role, "iat": issued}
    return signed(claims | {"exp": issued + LIFE_S})


EXPIRED_TOKEN = issue_token(ACCOUNTS[0][0], issued_s=LONG_AGO_S)


def of_token(users: Users, token: str, *, even_if_expired: bool = False) -> Account:
    """The account that a token of ours names.

    Raises:
        jwt.ExpiredSignatureError: it was ours and has expired.
        jwt.InvalidTokenError: it is not ours, or names nobody.
    """
    claims = claims_of(token, ("exp", "email"), even_if_expired=even_if_expired)
    account = users.find(claims["email"])
    if account is None:
        raise jwt.InvalidTokenError("nobody")
    return account
