"""The faults of rockstar: of what only it promises, and of how it does what others do too.

It must not know HTTP, tokens or SQLite. `TRAITS` is what generic faults go by here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamvet_server.control import SCRIPT_HEADER
from streamvet_server.faults.fault import ROCKSTAR, Fault
from streamvet_server.faults.hidden import of_type, told_as_success
from streamvet_server.faults.shapes import Chosen, Make, every, opening, reads, starts, told, turned, type_of
from streamvet_server.faults.traits import Traits
from streamvet_server.seams import Batch, Cause, Close, Refusal, Scene, Seams, Shown, Why
from streamvet_server.wire import ndjson_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SHORT_CHARS = 60_000
EARLIER_LINES = 200  # more than what else is said between two pushes that follow each other
_NANOID = "000000000000"  # of what was never pushed
_RARE = "linking_plans"


def _rare(shown: Shown) -> bool:
    return shown.name == _RARE


def _last(shown: Shown) -> bool:
    """Whether a line says that the push is over."""
    return shown.last


def _reads(scene: Scene) -> bool:
    """Whether a request is a push: nobody else reads its stream."""
    return reads(scene) or starts(scene)


def _more(_shown: Shown) -> bytes:
    return ndjson_line({"step": "storing", "detail": "Cleaning up"})


def _as_success(scene: Scene, batch: Batch) -> Batch:
    url = f"http://{scene.headers['Host']}/{'s' if scene.operation == 'start:session' else 'p'}/{_NANOID}"
    done = {"step": "done", "nanoid": _NANOID, "url": url, "version": 1, "changed": True}
    return replace(batch, documents=[done], status="succeeded")


def _moved(done: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of another page for an unchanged session that is at its second version."""
    if done["changed"] or done["version"] != 2:
        return {}
    return {"nanoid": _NANOID, "url": done["url"].replace(done["nanoid"], _NANOID)}


def _own(scene: Scene) -> bool:
    """Whether a push tells of its own work: what a script emits is not the system's choice."""
    return SCRIPT_HEADER not in scene.headers


def _done(kind: str) -> Chosen:
    return lambda shown: shown.name == "done" and shown.scene.operation == f"start:{kind}"


def _said(kind: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Make:
    """The `done` of sessions or of plans with other members."""
    return told(_done(kind), lambda _shown, document: ({**document, **change(document)},))


def _with_a_tilde(done: Mapping[str, Any]) -> Mapping[str, Any]:
    nanoid = "~" + done["nanoid"][1:]
    return {"nanoid": nanoid, "url": done["url"].removesuffix(done["nanoid"]) + nanoid}


def _plans(change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Make:
    """The plans that come with a session, each with other members."""

    def changed(document: Mapping[str, Any]) -> Mapping[str, Any]:
        plans = document.get("plans")
        return {} if plans is None else {"plans": [{**plan, **change(plan)} for plan in plans]}

    return _said("session", changed)


def _without_detail(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({key: value for key, value in document.items() if key != "detail"},)


def _first_write_counts() -> Seams:
    def append(_scene: Scene, batch: Batch) -> Batch:
        writes = batch.facts.get("writes", ())
        return replace(batch, facts={**batch.facts, "writes": writes[::-1]}) if writes else batch

    return Seams(append=append)


def _linking_left_out() -> Seams:
    def append(scene: Scene, batch: Batch) -> Batch:
        kept = [it for it in batch.documents if type_of(it) != "linking_plans" or not _own(scene)]
        return replace(batch, documents=kept)

    return Seams(append=append)


def _always_linking(_shown: Shown, done: Any) -> Iterable[Any]:
    """A session without plans announces that it links them."""
    return (done,) if "plans" in done else ({"step": _RARE, "detail": "Linking 0 plans"}, done)


def _uncounted(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "detail": "Linking the plans"},)


def _at_a_session_url(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"url": f"/s/{plan['nanoid']}".join(plan["url"].rsplit(f"/p/{plan['nanoid']}", 1))}


def _known_content() -> Seams:
    """A session whose data any version had before counts as unchanged."""
    known: dict[str, set[str]] = {}

    def append(scene: Scene, batch: Batch) -> Batch:
        if "content" in batch.facts:
            scene.scratch["pushed"] = batch.facts["content"]
        if scene.operation != "start:session" or batch.cause is not Cause.SUCCEEDED or not batch.documents:
            return batch
        done = dict(batch.documents[-1])
        before, pushed = known.setdefault(done["nanoid"], set()), str(scene.scratch.get("pushed"))
        done["changed"] = done["changed"] and pushed not in before
        before.add(pushed)
        return replace(batch, documents=[*batch.documents[:-1], done])

    return Seams(append=append)


def _half_kept() -> Seams:
    """Who leaves in the middle of a session leaves half of it behind."""

    def close(scene: Scene, _why: Why) -> Close:
        scene.scratch["closed"] = True
        return Close.CLEAN

    def left(scene: Scene) -> Cause | None:
        abandoned = "closed" not in scene.scratch and scene.operation == "start:session"
        return Cause.DETACHED if abandoned else None

    def append(_scene: Scene, batch: Batch) -> Batch:
        if batch.cause is not Cause.DETACHED:
            return batch
        content = batch.facts["content"]
        return replace(batch, facts={**batch.facts, "content": content[: len(content) // 2]})

    return Seams(append=append, close=close, left=left)


def _forgetful() -> Seams:
    """A session that was pushed before a restart is announced as new, once."""
    known: set[str] = set()

    def document(shown: Shown, done: Any) -> Iterable[Any]:
        if not _done("session")(shown) or done["nanoid"] in known:
            return (done,)
        known.add(done["nanoid"])
        return ({**done, "version": 1, "changed": True},)

    return Seams(document=document)


def _answered(status: int) -> Callable[[Scene, Refusal | None], Refusal | None]:
    return lambda _scene, refusal: replace(refusal, status=status) if refusal else None


def _own_as(kind: str, step: str, other: str) -> Make:
    """A step of a push's own work under the name of another one."""
    return told(
        lambda shown: shown.name == step and _own(shown.scene) and shown.scene.operation == f"start:{kind}",
        lambda _shown, document: ({**document, "step": other},),
    )


def _renamed(_shown: Shown, document: Any) -> Iterable[Any]:
    return ({**document, "step": document["step"].replace("_", "-")}, document)


def _earlier_lines() -> Seams:
    """Of the first step of a session, which may come any number of times."""
    earlier: deque[Any] = deque(maxlen=EARLIER_LINES)

    def document(shown: Shown, line: Any) -> Iterable[Any]:
        if shown.name != "redacting":
            return (line,)
        repeated = tuple(earlier) if opening(shown) and "Last-Event-ID" in shown.scene.headers else ()
        if len(str(line)) < SHORT_CHARS:  # a long line would trip clients, which is another requirement's
            earlier.append(line)
        return (*repeated, line)

    return Seams(document=document)


TRAITS = Traits(
    rare_type=_RARE,
    rare=_rare,
    discriminator="step",
    body="detail",
    lines=True,
    texts=every,
    reads=_reads,
    shared=False,
    short=lambda scene: scene.operation == "start:plan",
    final=_last,
    more=_more,
    as_success=_as_success,
)


def _version_of_the_begin() -> Seams:
    """What a push is counted from is read as it begins: two at once come to the same version."""
    newest: dict[str, int] = {}

    def append(scene: Scene, batch: Batch) -> Batch:
        known = scene.scratch.setdefault("known", dict(newest))
        session = scene.operation == "start:session"
        if not session or batch.cause is not Cause.SUCCEEDED or not batch.documents:
            return batch
        done = dict(batch.documents[-1])
        nanoid, version = done["nanoid"], done["version"]
        newest[nanoid] = version
        if done["changed"] and known.get(nanoid, version) < version - 1:
            done["version"] = known[nanoid] + 1
        return replace(batch, documents=[*batch.documents[:-1], done])

    return Seams(append=append)


def _line_ends_alike(scene: Scene, batch: Batch) -> Batch:
    """A carriage return in a record, which JSON escapes, is kept as a newline."""
    content = batch.facts.get("content")
    if scene.operation != "start:session" or not isinstance(content, str):
        return batch
    return replace(batch, facts={**batch.facts, "content": content.replace("\\r", "\\n")})


# Second ways to violate the same, each of which one stimulus exists for.
OCCASIONS = ("two-pushes-share-a-version", "line-ends-alike", "content-known-for-good")

FAULTS: tuple[Fault, ...] = (
    Fault(
        "step-misspelt", "EVT-11", ROCKSTAR, "A step comes once more, with a hyphen in its name.",
        told(_rare, _renamed),
    ),
    Fault(
        "two-pushes-share-a-version", "RKS-02", ROCKSTAR,
        "Two simultaneous pushes of one session get the same version.",
        _version_of_the_begin,
    ),
    Fault(
        "line-ends-alike", "RKS-03", ROCKSTAR,
        "A session that has newlines where it had carriage returns counts as unchanged.",
        lambda: Seams(append=_line_ends_alike),
    ),
    Fault(
        "nanoid-with-a-tilde", "EVT-12", ROCKSTAR, "The nanoid of a session begins with a tilde, in its url too.",
        _said("session", _with_a_tilde),
    ),
    Fault(
        "plan-compressed", "ORD-01", ROCKSTAR, "A plan is compressed before it is stored.",
        _own_as("plan", "generating_preview", "compressing"),
    ),
    Fault(
        "storing-before-the-preview", "ORD-08", ROCKSTAR, "A session is stored before its preview is drawn.",
        _own_as("session", "compressing", "storing"),
    ),
    Fault(
        "lines-of-earlier-pushes", "CAT-17", ROCKSTAR,
        "A client with Last-Event-ID gets lines of earlier pushes first.",
        _earlier_lines,
    ),
    Fault(
        "plan-at-a-session-url", "RKS-01", ROCKSTAR, "The url of a plan is one of sessions.",
        _said("plan", lambda done: {"url": f"/s/{done['nanoid']}".join(done["url"].rsplit(f"/p/{done['nanoid']}", 1))}),
    ),
    Fault(
        "session-moved", "RKS-02", ROCKSTAR, "A session that is pushed as it was gets another nanoid.",
        _said("session", _moved),
    ),
    Fault(
        "version-left-out", "RKS-15", ROCKSTAR, "The version after the first one is the third.",
        _said("session", lambda done: {"version": done["version"] + 1} if done["version"] > 1 else {}),
    ),
    Fault(
        "session-always-changed", "RKS-03", ROCKSTAR, "A session that was pushed unchanged is announced as changed.",
        _said("session", lambda _done: {"changed": True}),
    ),
    Fault(
        "plan-always-changed", "RKS-04", ROCKSTAR, "A plan that was pushed unchanged is announced as changed.",
        _said("plan", lambda _done: {"changed": True}),
    ),
    Fault(
        "plans-always-created", "RKS-05", ROCKSTAR, "A linked plan is announced as created each time.",
        _plans(lambda _plan: {"created": True}),
    ),
    Fault(
        "first-write-counts", "RKS-06", ROCKSTAR, "Of several writes to a plan file the first one is kept.",
        _first_write_counts,
    ),
    Fault("linking-untold", "RKS-07", ROCKSTAR, "Plans are linked without a step that says so.", _linking_left_out),
    Fault(
        "no-plans-as-an-empty-list", "RKS-08", ROCKSTAR, "The done event of a plan has an empty list of plans.",
        _said("plan", lambda _done: {"plans": []}),
    ),
    Fault(
        "step-without-detail", "RKS-09", ROCKSTAR, "The step that stores has no detail.",
        told(lambda shown: shown.name == "storing" and _own(shown.scene), _without_detail),
    ),
    Fault(
        "oversized-push-malformed", "RKS-10", ROCKSTAR, "A push above the limit is answered with 400.",
        turned(starts, "size", _answered(400)),
    ),
    Fault(
        "size-not-limited", "RKS-16", ROCKSTAR, "A push above the limit is accepted.",
        turned(starts, "size", lambda _scene, _refusal: None),
    ),
    Fault(
        "limited-push-unavailable", "RKS-11", ROCKSTAR, "A push that the rate limit refuses is answered with 503.",
        turned(starts, "rate", _answered(503)),
    ),
    Fault(
        "half-a-session-kept", "RKS-12", ROCKSTAR, "Half of a session is kept if its client has left.", _half_kept
    ),
    Fault(
        "names-in-ascii", "RKS-13", ROCKSTAR, "The name of a linked plan has question marks for what is not ASCII.",
        _plans(lambda plan: {"name": plan["name"].encode("ascii", "replace").decode()}),
    ),
    Fault(
        "session-forgotten", "RKS-14", ROCKSTAR, "After a restart a session that is pushed again is announced as new.",
        _forgetful,
    ),
    Fault(
        "content-known-for-good", "RKS-03", ROCKSTAR,
        "A session with the data of the last version but one counts as unchanged.", _known_content,
    ),
    Fault(
        "linking-without-plans", "RKS-17", ROCKSTAR, "A session that wrote no plan announces that it links plans.",
        told(lambda shown: _done("session")(shown) and _own(shown.scene), _always_linking),
    ),
    Fault(
        "plans-uncounted", "RKS-18", ROCKSTAR, "The step that links plans does not say how many they are.",
        told(lambda shown: shown.name == _RARE and _own(shown.scene), _uncounted),
    ),
    Fault(
        "redacting-untold", "RKS-19", ROCKSTAR, "The push of a session does not begin with redacting.",
        told(lambda shown: shown.name == "redacting" and _own(shown.scene), lambda _shown, _document: ()),
    ),
    Fault(
        "linked-plan-at-a-session-url", "RKS-20", ROCKSTAR, "The url of a linked plan is one of sessions.",
        _plans(_at_a_session_url),
    ),
    Fault(
        "preview-decides", "TRM-06", ROCKSTAR,
        "A push that fails before it is stored ends as a success if it has a preview.",
        told_as_success(of_type("compressing", "generating_preview", "linking_plans"), "storing"),
        generated=True,
    ),
)  # fmt: skip
