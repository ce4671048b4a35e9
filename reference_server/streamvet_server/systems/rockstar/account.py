"""Who asks rockstar, over HTTP: tokens on requests, and how a client with an Ed25519 key comes by one.

It must not know pushes. The bodies of all of rockstar's requests are read here too: objects of strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from streamvet_server.accounts import Account
from streamvet_server.seams import Answer, Refusal, Scene
from streamvet_server.site import Ask, Route, Site, ok
from streamvet_server.systems.rockstar.keys import Keys, public_key, token_of
from streamvet_server.systems.rockstar.tokens import ACCOUNTS
from streamvet_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aiohttp import web

CHALLENGE_LIFE_S = 300.0
TOKEN_LIFE_S = 24 * 3600.0
MAX_KEY_BODY_BYTES = 8 * 1024
API = "/api/v1"
NOBODY = Account("", "")


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def caller(site: Site, scene: Scene, request: web.Request) -> Account:
    """The account of the Bearer token."""
    keys: Keys = site.memory.keys
    token = _token(request)
    account = None
    try:
        account = keys.of_token(token)
    except jwt.ExpiredSignatureError:
        site.check(scene, "expired", Refusal(401, "expired_token", "the token has expired"))
        account = keys.of_token(token, even_if_expired=True)
    except jwt.InvalidTokenError:
        pass
    site.check(scene, "credentials", None if account else Refusal(401, "invalid_token", "missing or invalid token"))
    return account or ACCOUNTS[0]


def viewer(ask: Ask) -> Account:
    """Who looks at a page that is open to everybody: the account of a good token, else nobody."""
    keys: Keys = ask.site.memory.keys
    try:
        return keys.of_token(_token(ask.request))
    except jwt.InvalidTokenError:
        return NOBODY


def envelope(refusal: Refusal) -> Any:
    """The document of an error answer."""
    return {"error": refusal.text}


async def body_of(
    ask: Ask, max_bytes: int, *, required: Collection[str], texts: Collection[str] = (), optional: Collection[str] = ()
) -> Mapping[str, str]:
    """The strings of the request's object: `required` are not empty, `texts` may be, `optional` may be left out."""
    octets = await ask.body()
    too_large = Refusal(413, "too_large", f"the body has more than {max_bytes} bytes")
    ask.check("size", too_large if len(octets) > max_bytes else None)
    document = await ask.document()
    body = document if isinstance(document, dict) else {}
    strings = {key: body[key] for key in (*required, *texts, *optional) if isinstance(body.get(key), str)}
    lacking = [key for key in required if not strings.get(key)] + [key for key in texts if key not in strings]
    wrong = lacking + [key for key in optional if key in body and key not in strings]
    ask.check("body", Refusal(400, "invalid_request", f"expected a string as {wrong[0]}") if wrong else None)
    return {**dict.fromkeys((*required, *texts), ""), **strings}


async def _register(ask: Ask) -> Answer:
    keys: Keys = ask.site.memory.keys
    body = await body_of(ask, MAX_KEY_BODY_BYTES, required=("public_key",))
    try:
        key = public_key(body["public_key"])
    except ValueError:
        ask.check("body", Refusal(400, "invalid_request", "expected an Ed25519 key in OpenSSH's form"))
        return ok({}, 201)
    fingerprint, new = await keys.register(key)
    return ok({"fingerprint": fingerprint}, 201 if new else 200)


async def _challenge(ask: Ask) -> Answer:
    keys: Keys = ask.site.memory.keys
    body = await body_of(ask, MAX_KEY_BODY_BYTES, required=("fingerprint",))
    life_s = ask.site.seams.clock(ask.scene, "challenge", CHALLENGE_LIFE_S * ask.site.scale)
    challenge = keys.challenge(body["fingerprint"], life_s)
    ask.check("exists", None if challenge else Refusal(404, "not_found", "no such key"))
    if challenge is None:
        return ok({})
    return ok({"challenge": challenge.nonce, "expires_at": iso(challenge.expires_ms)})


async def _verify(ask: Ask) -> Answer:
    keys: Keys = ask.site.memory.keys
    body = await body_of(ask, MAX_KEY_BODY_BYTES, required=("fingerprint", "signature"))
    account = keys.verify(body["fingerprint"], body["signature"])
    refusal = Refusal(401, "invalid_signature", "no open challenge of this key has this signature")
    ask.check("credentials", None if account else refusal)
    life_s = ask.site.seams.clock(ask.scene, "token", TOKEN_LIFE_S * ask.site.scale)
    token, expires_s = token_of(account or ACCOUNTS[0], life_s)
    return ok({"token": token, "expires_at": iso(expires_s * 1000)})


ACCOUNT_ROUTES = (
    Route("POST", f"{API}/account/register", "register", _register, public=True),
    Route("POST", f"{API}/account/challenge", "challenge", _challenge, public=True),
    Route("POST", f"{API}/account/verify", "verify", _verify, public=True),
)
