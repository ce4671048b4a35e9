"""ACC: faults of who may read and start what, and of how a refusal looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamvet_server.faults.fault import BOTH, COSMA, FLEET, GHOSTLY, ROCKSTAR, Fault
from streamvet_server.faults.shapes import PUSHES, crashing, reads, starts, turned
from streamvet_server.seams import Answer, Refusal, Scene, Seams

if TYPE_CHECKING:
    from collections.abc import Callable


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


def _expired_let_in() -> Seams:
    """A key that has expired is no key any more, so it meets a second check."""

    def access(scene: Scene, check: str, refusal: Refusal | None) -> Refusal | None:
        if not reads(scene) or check not in ("expired", "credentials"):
            return refusal
        if check == "expired":
            scene.scratch["expired"] = True
        return None if scene.scratch.get("expired") else refusal

    return Seams(access=access)


def _another_shape() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        refused = 400 if scene.profile in PUSHES else 404  # nobody asks for what another one pushes
        return replace(answer, document={"detail": "Not Found"}) if answer.status == refused else answer

    return Seams(head=head)


def _renamed_error() -> Seams:
    def head(scene: Scene, answer: Answer) -> Answer:
        refused = reads(scene) and answer.status == 401
        return replace(answer, document={"message": answer.document["error"]}) if refused else answer

    return Seams(head=head)


def _as_success() -> Seams:
    def head(_scene: Scene, answer: Answer) -> Answer:
        refused = answer.status >= 400 and answer.document is not None
        return replace(answer, document={**answer.document, "success": True}) if refused else answer

    return Seams(head=head)


def _unprocessable(_scene: Scene, refusal: Refusal | None) -> Refusal | None:
    return replace(refusal, status=422) if refusal else None


FAULTS: tuple[Fault, ...] = (
    Fault(
        "stream-without-credentials", "ACC-01", BOTH + ROCKSTAR + FLEET,
        "A stream is open to whoever shows no credentials.",
        turned(reads, "credentials", _let_in(lambda scene: not _token(scene))),
    ),
    Fault(
        "credentials-unchecked", "ACC-02", BOTH + ROCKSTAR + FLEET, "Any text will do as credentials for a stream.",
        turned(reads, "credentials", _let_in(lambda scene: bool(_token(scene)) and not _unsigned(scene))),
    ),
    Fault(
        "unsigned-token-accepted", "ACC-03", GHOSTLY + ROCKSTAR, "A token that says that it is not signed is believed.",
        turned(reads, "credentials", _let_in(_unsigned)),
    ),
    Fault("expired-accepted", "ACC-04", BOTH + ROCKSTAR + FLEET, "Expired credentials open a stream.", _expired_let_in),
    Fault(
        "foreign-stream", "ACC-05", BOTH, "A stream is open to every user.", turned(reads, "owner", _let_in(_anybody))
    ),
    Fault(
        "stream-of-nothing", "ACC-06", BOTH, "The stream of a run that does not exist is opened, and stays silent.",
        turned(reads, "exists", _let_in(_anybody)),
    ),
    Fault(
        "refusal-of-another-shape", "ACC-07", BOTH + ROCKSTAR, "A refusal has the shape of some web framework.",
        _another_shape,
    ),
    Fault(
        "wrong-password-accepted", "ACC-08", GHOSTLY + FLEET, "Any password will do.",
        turned(lambda scene: scene.operation == "login", "credentials", _let_in(_anybody)),
    ),
    Fault(
        "malformed-login-crashes", "ACC-09", GHOSTLY + FLEET, "A malformed login is a server error.",
        turned(lambda scene: scene.operation == "login", "body", crashing),
    ),
    Fault(
        "malformed-start-unprocessable", "ACC-10", BOTH + ROCKSTAR,
        "A malformed request for a run is answered with 422.",
        turned(starts, "body", _unprocessable),
    ),
    Fault(
        "start-without-credentials", "ACC-11", BOTH, "Whoever shows no credentials may start a run.",
        turned(starts, "credentials", _let_in(lambda scene: not _token(scene))),
    ),
    Fault(
        "foreign-record", "ACC-12", BOTH, "The record of a run is open to every user.",
        turned(lambda scene: scene.operation == "record", "owner", _let_in(_anybody)),
    ),
    Fault(
        "refusal-told-as-success", "ACC-07", COSMA, "A refusal says that it is a success.",
        _as_success,
    ),
    Fault(
        "accept-ignored", "ACC-13", COSMA, "Whoever asks for JSON gets the stream.",
        turned(reads, "accept", _let_in(_anybody)),
    ),
    Fault(
        "refusal-without-error", "ACC-07", FLEET, "A 401 answer has its text under another key.",
        _renamed_error,
    ),
)  # fmt: skip
