"""The tokens of a local test server: signed, and looked at when they come back.

Apart from the accounts, as systems without tokens need no JWT. It must not know HTTP, runs or a system, nor what the
claims of a token mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Signs the tokens of this local test server only; at least 32 bytes, as RFC 7518, 3.2 asks for HS256.
SIGNING_KEY = "streamvet local test server: this key is public and signs nothing real"
LIFE_S = 7 * 24 * 3600  # the longest that a system's document names
LONG_AGO_S = 1_577_836_800  # 2020-01-01: what was issued then has expired


def signed(claims: Mapping[str, Any], key: str = SIGNING_KEY) -> str:
    """A JWT with these claims: HS256."""
    return jwt.encode(dict(claims), key, algorithm="HS256")


def claims_of(
    token: str,
    required: Collection[str],
    *,
    key: str = SIGNING_KEY,
    audience: str | None = None,
    even_if_expired: bool = False,
) -> Mapping[str, Any]:
    """The claims of a token of ours.

    Raises:
        jwt.ExpiredSignatureError: it was ours and has expired.
        jwt.InvalidTokenError: it is not ours, or lacks a required claim.
    """
    options: Any = {"require": list(required), "verify_exp": not even_if_expired}
    claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["HS256"], audience=audience, options=options)
    return claims
