"""ACC: faults of who may read and start what, and of how a refusal looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import AGENT_WORKSPACE, COSMA, GHOSTLY, PROMPTFLOE, ROCKSTAR, Fault
from streamvet_server.faults.fitted import Fitted
from streamvet_server.faults.shapes import crashing, reads, starts, turned
from streamvet_server.seams import Answer, Refusal, Scene, Seams

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamvet_server.faults.traits import Traits


def _token(scene: Scene) -> str:
    """What the request has for credentials, "" where it has none."""
    return scene.headers.get("Authorization", "") or scene.query.get("token", "") or scene.headers.get("Cookie", "")


def _unsigned(scene: Scene) -> bool:
    """Whether it is a JWT without a signature."""
    return _token(scene).endswith(".")


def _let_in(who: Callable[[Scene], bool]) -> Callable[[Scene, Refusal | None], Refusal | None]:
    return lambda scene, refusal: None if who(scene) else refusal


def _anybody(_scene: Scene) -> bool:
    return True


def _reads_let_in(who: Callable[[Scene], bool]) -> Fitted:
    """Whoever is so may read."""
    return Fitted(lambda own: turned(own.reads, "credentials", _let_in(who))())


def _expired_let_in(own: Traits) -> Seams:
    """A key that has expired is no key any more, so it meets a second check."""

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if not own.reads(scene) or check not in ("expired", "credentials"):
            return refusal
        if check == "expired":
            scene.scratch["expired"] = True
        return None if scene.scratch.get("expired") else refusal

    return Seams(access=access)


def _another_shape(own: Traits) -> Seams:
    refused = 404 if own.shared else 400  # where streams are nobody else's, nobody asks for one that is not there

    def head(_scene: Scene, answer: Answer) -> Answer:
        return replace(answer, document={"detail": "Not Found"}) if answer.status == refused else answer

    return Seams(head=head)


def _unprocessable(_scene: Scene, refusal: Refusal | None) -> Refusal | None:
    return replace(refusal, status=422) if refusal else None


def _prefix_let_in(who: Callable[[Traits], Callable[[Scene], bool]]) -> Fitted:
    """Whoever shows the beginning of what somebody was let in with is let in."""

    def make(own: Traits) -> Seams:
        known: set[str] = set()
        chosen = who(own)

        def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
            given = _token(scene).partition("=")[2] or _token(scene).removeprefix("Bearer").strip()
            if check != "credentials" or not given:
                return refusal
            if refusal is None:
                known.add(given)
                return None
            return None if chosen(scene) and any(one.startswith(given) for one in known) else refusal

        return Seams(access=access)

    return Fitted(make)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "stream-without-credentials", "ACC-01", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE,
        "A stream is open to requests without credentials.",
        _reads_let_in(lambda scene: not _token(scene)),
    ),
    Fault(
        "credentials-unchecked", "ACC-02", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE,
        "Any text is accepted as credentials for a stream.",
        _reads_let_in(lambda scene: bool(_token(scene)) and not _unsigned(scene)),
    ),
    Fault(
        "prefix-accepted", "ACC-02", GHOSTLY + PROMPTFLOE + AGENT_WORKSPACE,
        "The beginning of valid credentials opens a stream.",
        _prefix_let_in(lambda own: own.reads),
    ),
    Fault(
        "unsigned-token-accepted", "ACC-03", GHOSTLY + ROCKSTAR, "An unsigned token is accepted.",
        _reads_let_in(_unsigned),
    ),
    Fault(
        "expired-accepted", "ACC-04", GHOSTLY + PROMPTFLOE + ROCKSTAR + AGENT_WORKSPACE,
        "Expired credentials open a stream.",
        Fitted(_expired_let_in),
    ),
    Fault(
        "foreign-stream", "ACC-05", GHOSTLY + PROMPTFLOE,
        "A stream is open to every user.", turned(reads, "owner", _let_in(_anybody))
    ),
    Fault(
        "stream-of-nothing", "ACC-06", GHOSTLY + PROMPTFLOE,
        "The stream of a run that does not exist is opened and stays silent.",
        turned(reads, "exists", _let_in(_anybody)),
    ),
    Fault(
        "refusal-of-another-shape", "ACC-07", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A refusal has the shape of some web framework.",
        Fitted(_another_shape),
    ),
    Fault(
        "wrong-password-accepted", "ACC-08", GHOSTLY + AGENT_WORKSPACE, "Any password is accepted.",
        turned(lambda scene: scene.operation == "login", "credentials", _let_in(_anybody)),
    ),
    Fault(
        "malformed-login-crashes", "ACC-09", GHOSTLY + AGENT_WORKSPACE, "A malformed login is a server error.",
        turned(lambda scene: scene.operation == "login", "body", crashing),
    ),
    Fault(
        "malformed-start-unprocessable", "ACC-10", GHOSTLY + PROMPTFLOE + ROCKSTAR,
        "A malformed request for a run is answered with 422.",
        turned(starts, "body", _unprocessable),
    ),
    Fault(
        "start-without-credentials", "ACC-11", GHOSTLY + PROMPTFLOE, "A request without credentials may start a run.",
        turned(starts, "credentials", _let_in(lambda scene: not _token(scene))),
    ),
    Fault(
        "foreign-record", "ACC-12", GHOSTLY + PROMPTFLOE, "The record of a run is open to every user.",
        turned(lambda scene: scene.operation == "record", "owner", _let_in(_anybody)),
    ),
    Fault(
        "foreign-cancel", "ACC-15", GHOSTLY + PROMPTFLOE, "A run may be cancelled by every user.",
        turned(lambda scene: scene.operation == "cancel", "owner", _let_in(_anybody)),
    ),
    Fault(
        "prefix-cancels", "ACC-16", GHOSTLY + PROMPTFLOE,
        "The beginning of valid credentials cancels a run.",
        _prefix_let_in(lambda _own: lambda scene: scene.operation == "cancel"),
    ),
    Fault(
        "accept-ignored", "ACC-13", COSMA, "A request for JSON gets the stream.",
        turned(reads, "accept", _let_in(_anybody)),
    ),
)  # fmt: skip
