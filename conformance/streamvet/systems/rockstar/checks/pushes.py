"""RKS: what only rockstar promises, and no table can say.

What a push was is told by the facts of its exchange (`subject`, `turn`, `content`, `writes`): pushes of one subject
are compared with each other, never with a version that the candidate is thought to be at. Must not repeat what a
generic family checks, nor look into what was pushed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamvet.checks.access import refused
from streamvet.checks.runs import answered, with_role
from streamvet.decode import streams
from streamvet.outcome import NotExercised, finding, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamvet.contract.profile import Profile
    from streamvet.decode import Reading
    from streamvet.outcome import Check, Finding, Outcome
    from streamvet.trace import Exchange, Trace

DONE = ("done",)
PATHS = {"session": "/s/", "plan": "/p/"}  # of the page that a url names
TERMINAL = ("done", "error")


@dataclass(frozen=True, slots=True)
class Push:
    """A push with its facts. `done` is None where its done event did not arrive; `span` is that event's."""

    exchange: Exchange
    kind: str
    subject: str
    turn: int
    content: str
    writes: list[dict[str, Any]]
    done: dict[str, Any] | None
    span: tuple[int, int]

    @property
    def restarts(self) -> int:
        """How often the candidate had been restarted before."""
        return int(self.exchange.about.get("restarts", 0))

    @property
    def address(self) -> str:
        """Its nanoid and url, as findings tell of them."""
        return f"nanoid {shown(self._said('nanoid'))}, url {shown(self._said('url'))}"

    @property
    def version(self) -> int:
        """The version that it made, or found."""
        return _number(self._said("version"))

    @property
    def changed(self) -> bool:
        """Whether it says that the content is another one than before."""
        return self._said("changed") is True

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The plans that it says are linked."""
        plans = self._said("plans")
        return [plan for plan in plans if isinstance(plan, dict)] if isinstance(plans, list) else []

    def plan(self, name: str) -> dict[str, Any] | None:
        """The first plan of this name."""
        return next((plan for plan in self.plans if plan.get("name") == name), None)

    def last_write(self, name: str) -> dict[str, Any]:
        """The last one of its writes to a file that it wrote."""
        return [one for one in self.writes if one["name"] == name][-1]

    def files(self) -> list[str]:
        """The plan files that it wrote, each once."""
        return list(dict.fromkeys(str(one["name"]) for one in self.writes))

    def _said(self, key: str) -> Any:
        return self.done.get(key) if self.done else None


def _number(version: Any) -> int:
    return int(version) if isinstance(version, int | float) else 0


def _done(one: Reading) -> tuple[dict[str, Any] | None, tuple[int, int]]:
    """The done event of a stream and its span."""
    for event in one.of(DONE):
        value = one.value(event)
        if isinstance(value, dict):
            return value, (event.start, event.end)
    return None, (0, 0)


def pushes(trace: Trace, profile: Profile) -> list[Push]:
    """The pushes of a trace whose facts are known, in the order of their requests."""
    found = []
    for one in streams(trace, profile):
        about = one.exchange.about
        if "turn" in about:
            done, span = _done(one)
            kind, subject, content = (str(about.get(key)) for key in ("kind", "subject", "content"))
            writes = list(about.get("writes", ()))
            found.append(Push(one.exchange, kind, subject, int(about["turn"]), content, writes, done, span))
    return found


def _pairs(trace: Trace, profile: Profile, kind: str) -> Iterator[tuple[Push, Push]]:
    """Each push of a kind with the next one of its subject, both done, with no restart and no other push in between."""
    done = {(one.subject, one.turn): one for one in pushes(trace, profile) if one.kind == kind and one.done}
    for (subject, turn), after in done.items():
        before = done.get((subject, turn - 1))
        if before is not None and before.restarts == after.restarts:
            yield before, after


def _about(push: Push, want: str, seen: str, beside: Iterable[Push] = (), *, absent: bool = False) -> Finding:
    return finding(push.exchange, want, seen, push.span, beside=[one.exchange.id for one in beside], absent=absent)


def _versioned(version: int, *, changed: bool) -> str:
    return f"version {version} with changed {str(changed).lower()}"


def url_of_nanoid(trace: Trace, profile: Profile) -> Outcome:
    """RKS-01."""
    found, exercised = [], False
    for one in streams(trace, profile):
        path, (done, span) = PATHS.get(str(one.exchange.about.get("kind"))), _done(one)
        if path is None or done is None:
            continue
        exercised = True
        end = f"{path}{done.get('nanoid')}"
        if not str(done.get("url")).endswith(end):
            found.append(finding(one.exchange, f"a url that ends with {shown(end)}", shown(done.get("url")), span))
    return found if exercised else NotExercised("no push was done")


def next_version(trace: Trace, profile: Profile) -> Outcome:
    """RKS-02."""
    pairs = list(_pairs(trace, profile, "session"))
    if not pairs:
        return NotExercised("no session was pushed twice")
    return [
        _about(
            after,
            f"a version after {before.version}, {before.address}",
            f"version {after.version}, {after.address}",
            [before],
        )
        for before, after in pairs
        if after.address != before.address or after.version <= before.version
    ]


def raised_by_one(trace: Trace, profile: Profile) -> Outcome:
    """RKS-15."""
    pairs = [pair for kind in ("session", "plan") for pair in _pairs(trace, profile, kind)]
    raised = [(before, after) for before, after in pairs if after.version > before.version]
    if not raised:
        return NotExercised("no version rose")
    return [
        _about(after, f"version {before.version + 1}", f"version {after.version}", [before])
        for before, after in raised
        if after.version != before.version + 1
    ]


def tells_of_change(trace: Trace, profile: Profile) -> Outcome:
    """RKS-03."""
    firsts = [one for one in pushes(trace, profile) if one.kind == "session" and one.turn == 1 and one.done]
    rows: list[tuple[Push, tuple[Push, ...], bool, str]] = [(one, (), True, "a first version") for one in firsts]
    for before, after in _pairs(trace, profile, "session"):
        changed = before.content != after.content
        rows.append((after, (before,), changed, "other data than before" if changed else "the same data as before"))
    if not rows:
        return NotExercised("no session was pushed")
    return [
        _about(one, f"changed {str(changed).lower()} for {what}", f"changed {str(one.changed).lower()}", beside)
        for one, beside, changed, what in rows
        if one.changed is not changed
    ]


def plan_version(trace: Trace, profile: Profile) -> Outcome:
    """RKS-04."""
    pairs = list(_pairs(trace, profile, "plan"))
    if not pairs:
        return NotExercised("no plan was pushed twice")
    found = []
    for before, after in pairs:
        changed = before.content != after.content
        fits = after.version > before.version if changed else after.version == before.version
        if not fits or (after.address, after.changed) != (before.address, changed):
            want = f"{'more than ' if changed else ''}{_versioned(before.version, changed=changed)}, {before.address}"
            seen = f"{_versioned(after.version, changed=after.changed)}, {after.address}"
            found.append(_about(after, want, seen, [before]))
    return found


def _wrote(trace: Trace, profile: Profile) -> list[Push]:
    """Sessions that wrote plan files and are done."""
    return [one for one in pushes(trace, profile) if one.writes and one.done]


NO_PLANS = NotExercised("no session that wrote plan files was pushed")


def each_file_once(trace: Trace, profile: Profile) -> Outcome:
    """RKS-05: by name where that is ASCII; another one's name is RKS-13's, and only counted here."""
    found, wrote = [], _wrote(trace, profile)
    for push in wrote:
        files = push.files()
        if len(push.plans) < len(files):
            found.append(_about(push, f"{len(files)} plans, each file once", f"{len(push.plans)} plans"))
            continue
        for name in filter(str.isascii, files):
            seen = [plan.get("created") for plan in push.plans if plan.get("name") == name]
            created = push.last_write(name)["turn"] == 1
            if seen != [created]:
                want = f"plan {shown(name)} once, with created {str(created).lower()}"
                found.append(_about(push, want, f"{len(seen)} of it, with created {shown(seen)}"))
                break
    return found if wrote else NO_PLANS


def last_write_counts(trace: Trace, profile: Profile) -> Outcome:
    """RKS-06."""
    found, exercised = [], False
    wrote = {(name, push.last_write(name)["turn"]): push for push in _wrote(trace, profile) for name in push.files()}
    for (name, turn), after in wrote.items():
        before = wrote.get((name, turn - 1))
        old, new = before.plan(name) if before else None, after.plan(name)
        if before is None or old is None or new is None:
            continue
        exercised = exercised or any(len([w for w in one.writes if w["name"] == name]) > 1 for one in (before, after))
        changed = before.last_write(name)["content"] != after.last_write(name)["content"]
        version = _number(old.get("version")) + changed
        if (new.get("nanoid"), _number(new.get("version"))) != (old.get("nanoid"), version):
            kept = "another last content than" if changed else "the same last content as"
            want = f"version {version} of plan {shown(old.get('nanoid'))}: {kept} before"
            seen = f"version {shown(new.get('version'))} of plan {shown(new.get('nanoid'))}"
            found.append(_about(after, want, seen, [before]))
    return found if exercised else NotExercised("no plan file was written twice in a session and again in another push")


def tells_of_linking(trace: Trace, profile: Profile) -> Outcome:
    """RKS-07."""
    wrote = {one.exchange.id: one for one in _wrote(trace, profile)}
    silent = [
        wrote[one.exchange.id]
        for one in streams(trace, profile)
        if one.exchange.id in wrote and not one.of(("linking_plans",))
    ]
    if not wrote:
        return NO_PLANS
    return [_about(one, "a linking_plans step before done", "none", absent=True) for one in silent]


def links_nothing(trace: Trace, profile: Profile) -> Outcome:
    """RKS-08: no push of ours names a project."""
    done = [one for one in pushes(trace, profile) if one.done]
    if not done:
        return NotExercised("no push that links nothing was done")
    rows = [(one, ("project_nanoid", "project_label", *(() if one.writes else ("plans",)))) for one in done]
    return [
        _about(one, f"no key {there[0]} where nothing is linked", f"{there[0]}: {shown((one.done or {})[there[0]])}")
        for one, keys in rows
        if (there := [key for key in keys if key in (one.done or {})])
    ]


def has_detail(trace: Trace, profile: Profile) -> Outcome:
    """RKS-09."""
    found, exercised = [], False
    for one in streams(trace, profile):
        for event in one.events:
            if event.kind not in profile.types or event.kind in TERMINAL:
                continue
            exercised = True
            value = one.value(event)
            if not isinstance(value, dict) or not isinstance(value.get("detail"), str):
                found.append(
                    finding(one.exchange, f"{event.kind} with a detail", shown(value), (event.start, event.end))
                )
    return found if exercised else NotExercised("no progress step arrived")


def too_large(trace: Trace, profile: Profile) -> Outcome:
    """RKS-10: one that is taken is RKS-16's."""
    del profile
    asked = _above_the_limit(trace)
    if not asked:
        return _NO_LARGE_PUSH
    return [one for x in asked if not x.successful for one in refused(x, [413], "a push above the limit")]


def limited(trace: Trace, profile: Profile) -> Outcome:
    """RKS-16: the limit itself is in no document."""
    asked = _above_the_limit(trace)
    if not asked:
        return _NO_LARGE_PUSH
    want = f"a push of more than {profile.field('figures.max_body_bytes')} bytes refused"
    return [finding(x, want, f"status {x.status}") for x in asked if x.successful]


_NO_LARGE_PUSH = NotExercised("no push above the limit was answered")


def _above_the_limit(trace: Trace) -> list[Exchange]:
    return [x for x in answered(with_role(trace, "start-refused")) if x.about.get("case") == "too large"]


def rate_limited(trace: Trace, profile: Profile) -> Outcome:
    """RKS-11."""
    del profile
    asked = answered(with_role(trace, "limited"))
    if not asked:
        return NotExercised("the rate limit refused nothing")
    return [one for x in asked for one in refused(x, [429], "a push above the rate limit")]


# What may follow on a version where a push was left in the middle and the same is pushed again: that push was not kept,
# or it was. For each kind how much the version rises by, and changed.
AFTER_LOST = {"session": ((1, True), (2, False)), "plan": ((1, True), (1, False))}


def _resumed(trace: Trace, profile: Profile) -> Iterator[tuple[list[Push], Push, bool]]:
    """The done pushes of a subject, the next one, and whether one was lost in between.

    Only where every push before it is known to be done: the rows that judge those must have had nothing to say.
    """
    by_turn: dict[str, dict[int, Push]] = {}
    for one in pushes(trace, profile):
        by_turn.setdefault(one.subject, {})[one.turn] = one
    for turns in by_turn.values():
        for turn, after in turns.items():
            between = turns.get(turn - 1)
            lost = between is not None and between.done is None and between.exchange.role == "cut"
            earlier = [turns.get(number) for number in range(1, turn - lost)]
            done = [one for one in earlier if one is not None and one.done]
            if after.done and done and len(done) == len(earlier):
                yield done, after, lost


def _follows(done: list[Push], after: Push, steps: tuple[tuple[int, bool], ...]) -> list[Finding]:
    """The finding of a push that is none of the `steps` further than the last of those before it."""
    before = done[-1]
    allowed = [(before.address, before.version + more, changed) for more, changed in steps]
    if (after.address, after.version, after.changed) in allowed:
        return []
    either = ", or ".join(_versioned(version, changed=changed) for _, version, changed in allowed)
    want = f"{either}, after version {before.version}, {before.address}"
    return [_about(after, want, f"{_versioned(after.version, changed=after.changed)}, {after.address}", done)]


def whole_or_none(trace: Trace, profile: Profile) -> Outcome:
    """RKS-12: where it was the client who left."""
    rows = [
        (done, after)
        for done, after, lost in _resumed(trace, profile)
        if lost and done[-1].restarts == after.restarts and after.kind in AFTER_LOST
    ]
    if not rows:
        return NotExercised("no push was left in the middle and made again")
    return [one for done, after in rows for one in _follows(done, after, AFTER_LOST[after.kind])]


def survives(trace: Trace, profile: Profile) -> Outcome:
    """RKS-14."""
    rows = [
        (done, after, lost)
        for done, after, lost in _resumed(trace, profile)
        if after.kind == "session" and done[-1].restarts < after.restarts
    ]
    if not rows:
        return NotExercised("no session was pushed before and after a kill")
    return [
        one
        for done, after, lost in rows
        for one in _follows(done, after, AFTER_LOST["session"] if lost else ((1, done[-1].content != after.content),))
    ]


def names_arrive(trace: Trace, profile: Profile) -> Outcome:
    """RKS-13."""
    found, exercised = [], False
    for push in _wrote(trace, profile):
        for name in push.files():
            if name.isascii():
                continue
            exercised = True
            if push.plan(name) is None:
                others = [plan.get("name") for plan in push.plans if plan.get("name") not in push.files()]
                found.append(_about(push, f"a plan with the name {shown(name)}", shown(others)))
    return found if exercised else NotExercised("no plan file with a name that is not ASCII was pushed")


CHECKS: dict[str, Check] = {
    "RKS-01": url_of_nanoid,
    "RKS-02": next_version,
    "RKS-03": tells_of_change,
    "RKS-04": plan_version,
    "RKS-05": each_file_once,
    "RKS-06": last_write_counts,
    "RKS-07": tells_of_linking,
    "RKS-08": links_nothing,
    "RKS-09": has_detail,
    "RKS-10": too_large,
    "RKS-11": rate_limited,
    "RKS-12": whole_or_none,
    "RKS-13": names_arrive,
    "RKS-14": survives,
    "RKS-15": raised_by_one,
    "RKS-16": limited,
}
