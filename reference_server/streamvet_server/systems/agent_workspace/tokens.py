"""The sessions of agent-workspace: JWTs that are the value of its cookie. It must not know HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt

from streamvet_server.systems.agent_workspace.accounts import ACCOUNTS
from streamvet_server.tokens import LIFE_S, LONG_AGO_S, claims_of, signed

if TYPE_CHECKING:
    from streamvet_server.accounts import Account

SESSION_LIFE_S = LIFE_S  # unpublished, so the same as elsewhere
_AUDIENCE = "agent-workspace"  # no other system's tokens are taken for one of these, nor these for theirs


def issue_session(account: Account, issued_s: int | None = None) -> str:
    """The value of the cookie: a JWT, HS256."""
    issued = int(time.time()) if issued_s is None else issued_s
    claims = {"sub": account.id, "email": account.name, "aud": _AUDIENCE, "iat": issued}
    return signed(claims | {"exp": issued + SESSION_LIFE_S})


EXPIRED_SESSION = issue_session(ACCOUNTS[0][0], issued_s=LONG_AGO_S)


def of_session(value: str, *, even_if_expired: bool = False) -> Account:
    """The account that a cookie's value names.

    Raises:
        jwt.ExpiredSignatureError: it was ours and has expired.
        jwt.InvalidTokenError: it is not ours, or names nobody.
    """
    claims = claims_of(value, ("exp", "email", "aud"), audience=_AUDIENCE, even_if_expired=even_if_expired)
    account = next((account for account, _ in ACCOUNTS if account.name == claims["email"]), None)
    if account is None:
        raise jwt.InvalidTokenError("nobody")
    return account
