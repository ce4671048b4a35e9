"""The fixed accounts of rockstar, and its tokens: JWTs that name an account by its id.

It must not know HTTP or keys.
"""

from __future__ import annotations

from streamvet_server.accounts import Account
from streamvet_server.tokens import LONG_AGO_S, signed

ACCOUNTS = (Account("user a", "rks_a"), Account("user b", "rks_b"))

# Another key than that of the other systems, so that none takes the tokens of another.
SIGNING_KEY = "streamvet local test server: rockstar's key, public too, signs nothing real"


def issue_token(account: Account, expires_s: int) -> str:
    """A token: HS256, claims sub and exp (seconds since 1970)."""
    return signed({"sub": account.id, "exp": expires_s}, SIGNING_KEY)


# A token from the challenge lives a day; these are printed in lists and files, so they live until 2100.
TOKEN, OTHER_TOKEN = (issue_token(account, 4_102_444_800) for account in ACCOUNTS)
EXPIRED_TOKEN = issue_token(ACCOUNTS[0], LONG_AGO_S)
