"""Rules about what a request holds, and what its statuses say. Must not know events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamvet.contract.fitting.misfit import Misfit, names_in, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamvet.contract.profile import Profile


def statuses_say_one_thing(profile: Profile) -> Iterable[Misfit]:
    """A status that is a success tells of no end and no failure; a refusal in a success is told by what it says."""
    for one in profile.operations.values():
        for key in ("over", "fails_with"):
            if shared := [status for status in one.raw.get(key, ()) if status in one.status]:
                yield Misfit(f"{place_of(one)}/{key}", "statuses other than those of a success", repr(shared[0]))
        for index, row in enumerate(one.raw.get("refused", ())):
            yield from _refusals(profile, f"{place_of(one)}/refused/{index}/status", row["status"])
    for key in ("missing", "invalid", "expired", "foreign", "unknown"):
        yield from _refusals(profile, f"/auth/{key}", profile.field(f"auth.{key}") or ())


def _refusals(profile: Profile, place: str, statuses: Iterable[int]) -> Iterable[Misfit]:
    if not profile.field("error"):
        for status in statuses:
            if 200 <= status < 300:
                yield Misfit(
                    place, "no status of a success, or `error`, with which the answer states a failure", repr(status)
                )


def credentials_are_there(profile: Profile) -> Iterable[Misfit]:
    """Where nobody has credentials, none travels as a Bearer token either."""
    for one in profile.operations.values():
        if one.bearer and profile.field("auth.kind") == "none":
            yield Misfit(f"{place_of(one)}/bearer", "nothing, because auth.kind is none", "True")


def bodies_are_as_said(profile: Profile) -> Iterable[Misfit]:
    """A form has members; and the example of a body is valid by the schema of what is sent."""
    for one in profile.operations.values():
        if one.form and not isinstance(one.body, dict | None):
            yield Misfit(f"{place_of(one)}/body", "an object, whose members are the fields of the form", repr(one.body))
        file = one.raw.get("request")
        if file is None or one.body is None or names_in(one.body):
            continue  # what stands for a name in braces, only a request shows
        if not profile.schemas.decider(file)(one.body):
            expected, got = profile.schemas.explain(file, one.body, "the body")
            yield Misfit(f"{place_of(one)}/body", f"{expected}, by {file}", got)
