"""Who may push to rockstar: fixed accounts, and whoever has registered an Ed25519 key and signed a challenge.

It must not know HTTP or pushes. Keys outlive the process, challenges do not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from streamvet_server.accounts import Account, store_user, stored_users
from streamvet_server.store import Unkept
from streamvet_server.systems.rockstar.tokens import ACCOUNTS, SIGNING_KEY, issue_token
from streamvet_server.tokens import claims_of
from streamvet_server.wire import json_text

if TYPE_CHECKING:
    from streamvet_server.store import Store

NONCE_BYTES = 32
_PROFILE = "rockstar"
_SIGNED = "rockstar.ninja.v1.auth:{nonce}:{fingerprint}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client is to sign, until when (ms since 1970)."""

    nonce: str
    expires_ms: int


class Keys:
    """The registered keys by fingerprint, and the challenge that each of them was given last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts = {account.id: account for account in ACCOUNTS}
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._challenges: dict[str, Challenge] = {}
        for fingerprint, document in store.read_now(lambda connection: stored_users(connection, _PROFILE)):
            self._admit(fingerprint, public_key(json.loads(document)["public_key"]))

    async def register(self, key: Ed25519PublicKey) -> tuple[str, bool]:
        """The key's fingerprint, and whether it is new."""
        text = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        fingerprint = _fingerprint(text)
        if fingerprint in self._keys:
            return fingerprint, False
        self._admit(fingerprint, key)
        document = json_text({"public_key": text})
        try:
            await self._store.write(lambda connection: store_user(connection, _PROFILE, fingerprint, document))
        except Unkept:
            del self._keys[fingerprint], self._accounts[fingerprint]
            raise
        return fingerprint, True

    def challenge(self, fingerprint: str, life_s: float) -> Challenge | None:
        """A new challenge in place of the last one; None where the key is not registered."""
        if fingerprint not in self._keys:
            return None
        nonce = base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode()
        challenge = Challenge(nonce, round((time.time() + life_s) * 1000))
        self._challenges[fingerprint] = challenge
        return challenge

    def verify(self, fingerprint: str, signature: str) -> Account | None:
        """The account of a key that has signed its challenge in time. A challenge serves once."""
        challenge = self._challenges.get(fingerprint)
        if challenge is None or time.time() * 1000 >= challenge.expires_ms:
            return None
        signed = _SIGNED.format(nonce=challenge.nonce, fingerprint=fingerprint).encode()
        try:
            self._keys[fingerprint].verify(_octets(signature), signed)
        except (InvalidSignature, binascii.Error, ValueError):
            return None
        del self._challenges[fingerprint]
        return self._accounts[fingerprint]

    def of_token(self, token: str, *, even_if_expired: bool = False) -> Account:
        """The account that a token of ours names.

        Raises:
            jwt.ExpiredSignatureError: it was ours and has expired.
            jwt.InvalidTokenError: it is not ours, or names nobody.
        """
        claims = claims_of(token, ("exp", "sub"), key=SIGNING_KEY, even_if_expired=even_if_expired)
        account = self._accounts.get(claims["sub"])
        if account is None:
            raise jwt.InvalidTokenError("nobody")
        return account

    def _admit(self, fingerprint: str, key: Ed25519PublicKey) -> None:
        self._keys[fingerprint] = key
        self._accounts[fingerprint] = Account(fingerprint, fingerprint)


def public_key(text: str) -> Ed25519PublicKey:
    """The key of a line in OpenSSH's form.

    Raises:
        ValueError: it is no such line, or one of another algorithm.
    """
    try:
        key = load_ssh_public_key(text.encode())
    except UnsupportedAlgorithm as reason:
        raise ValueError(str(reason)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 -- the text is wrong, not its type
    return key


def token_of(account: Account, life_s: float) -> tuple[str, int]:
    """A token, and when it expires (s since 1970): JWTs know whole seconds."""
    expires_s = math.ceil(time.time() + life_s)
    return issue_token(account, expires_s), expires_s


def _octets(text: str) -> bytes:
    """Base64, also of the alphabet for URLs, and without the padding that many leave out."""
    standard = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _fingerprint(text: str) -> str:
    """As `ssh-keygen -l` prints it."""
    blob = base64.b64decode(text.split(" ")[1])
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
