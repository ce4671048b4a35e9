"""Requirements that apply to no built-in system, and what a profile raises: judged by a profile made for it."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamvet.contract.files import FileError, schemas_folder
from streamvet.contract.loading import load_profile
from streamvet.contract.registry import load_registry
from streamvet.examples import base_trace, bases
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.trace import Ending

if TYPE_CHECKING:
    from array import array
    from pathlib import Path

    from streamvet.contract.profile import Profile
    from streamvet.judge import Ruling
    from streamvet.trace import Trace

STRAIGHT = base_trace(bases()["ghostly-straight"])
PLAIN = base_trace(bases()["cosma-plain"])
BUILD = base_trace(bases()["promptfloe-build"])


def own(folder: Path, system: str, **framing: Any) -> Profile:
    """A copy of a built-in profile under another name, with an open set of types, and more said of its framing."""
    shutil.copytree(schemas_folder() / system, folder, ignore=shutil.ignore_patterns("requirements.yaml", "traces"))
    file = folder / "profile.yaml"
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    raw |= {"profile": "mine", "framing": raw["framing"] | framing, "events": raw["events"] | {"set": "open"}}
    file.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return load_profile(str(folder))


def with_body(trace: Trace, number: int, body: bytes, **more: Any) -> Trace:
    """A trace with other bytes in one exchange, which all come at its end."""
    old = trace.exchanges[number]
    ends, times = _all_at_once(old.ends, len(body)), _all_at_once(old.times, old.ended_us)
    new = dataclasses.replace(old, body=body, ends=ends, times=times, **more)
    return dataclasses.replace(trace, exchanges=(*trace.exchanges[:number], new, *trace.exchanges[number + 1 :]))


def _all_at_once(values: array[int], one: int) -> array[int]:
    return type(values)(values.typecode, [one])


def rulings(profile: Profile, trace: Trace) -> dict[str, Ruling]:
    bench = judge_of(profile)
    bench.add(dataclasses.replace(trace, profile=profile.name, digest=profile.digest))
    assert bench.errors == []
    return {one.requirement.id: one for one in bench.rulings()}


def violated(found: dict[str, Ruling]) -> dict[str, Verdict]:
    return {one: it.verdict for one, it in found.items() if it.findings}


LONGEST = max(map(len, STRAIGHT.exchanges[2].body.split(b"\n")))
LARGEST = max(map(len, STRAIGHT.exchanges[2].body.split(b"\n\n"))) + 2


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"line_bytes": LONGEST}, Verdict.PASS),
        ({"line_bytes": LONGEST - 1}, Verdict.FAIL),
        ({"event_bytes": LARGEST}, Verdict.PASS),
        ({"event_bytes": LARGEST - 1}, Verdict.FAIL),
        ({"line_bytes": LONGEST, "event_bytes": LARGEST - 1}, Verdict.FAIL),
    ],
)
def test_a_stream_keeps_within_the_limits_of_its_profile(
    tmp_path: Path, limits: dict[str, int], verdict: Verdict
) -> None:
    found = rulings(own(tmp_path / "mine", "ghostly", limits=limits), STRAIGHT)
    assert found["TRN-08"].verdict is verdict
    assert violated(found) == ({} if verdict is Verdict.PASS else {"TRN-08": verdict})


def test_a_limit_of_ndjson_is_that_of_a_line(tmp_path: Path) -> None:
    longest = max(map(len, BUILD.exchanges[0].body.split(b"\n")))
    for name, limit in (("holds", longest), ("fails", longest - 1)):
        found = rulings(own(tmp_path / name, "promptfloe", limits={"line_bytes": limit}), BUILD)
        assert found["TRN-08"].verdict is (Verdict.PASS if name == "holds" else Verdict.FAIL)


def test_a_limit_beyond_what_the_suite_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="line_bytes"):
        own(tmp_path / "mine", "ghostly", limits={"line_bytes": 2**20 + 1})


@pytest.mark.parametrize("base", [STRAIGHT, BUILD, PLAIN], ids=lambda trace: trace.name)
def test_a_limit_of_the_recorder_is_no_violation(base: Trace) -> None:
    profile = load_profile(base.profile)
    number = 2 if base is STRAIGHT else 0
    cut = base.exchanges[number].body[:-20]
    trace = with_body(base, number, cut, ending=Ending.CUT, detail="limit: body over 67108864 bytes")
    found = rulings(profile, trace)
    assert found["TRN-08"].verdict is Verdict.NOT_APPLICABLE
    assert violated(found).keys() <= {"TRN-03"}  # the bytes come all at once here


RAISED = {
    "EVT-03": (b'"opcode": "info"', b'"opcode": "info", "opcode": "info"'),
    "EVT-04": (b'"opcode": "info"', b'"row": 9007199254740993, "opcode": "info"'),
    "EVT-05": (b'"opcode": "info"', b'"mood": "\\ud83d", "opcode": "info"'),
}


@pytest.mark.parametrize("name", RAISED)
def test_i_json_raises_what_the_grammar_only_advises_against(tmp_path: Path, name: str) -> None:
    old, new = RAISED[name]
    body = PLAIN.exchanges[0].body
    assert body.count(old) == 1
    trace = with_body(PLAIN, 0, body.replace(old, new))
    seen = {}
    for json in ("json", "i-json"):
        ruling = rulings(own(tmp_path / json, "cosma", json=json), trace)[name]
        seen[json] = (ruling.verdict, ruling.requirement.level, " MUST " in ruling.requirement.text)
        assert ruling.requirement.basis["standard"].startswith("RFC 7493" if json == "i-json" else "RFC 8259")
    assert seen == {"json": (Verdict.WARN, "SHOULD", False), "i-json": (Verdict.FAIL, "MUST", True)}


def test_each_row_says_by_its_words_of_which_level_it_is() -> None:
    for row in load_registry().rows.values():
        if row.family in ("transport", "sse", "ndjson", "events"):
            words = {word for word in ("MUST", "SHOULD") if word in row.text.split()}
            assert words == ({row.level} - {"NOTE"}), row.id
            assert bool(row.trips) is (row.level == "NOTE"), row.id
            assert row.raised is None or "MUST" in row.raised.text.split(), row.id


def test_a_type_with_dots_is_one_name(tmp_path: Path) -> None:
    """SSE-06, as of a stream of OpenAI's Responses: `event: response.created` is what its data says."""
    profile = own(tmp_path / "mine", "cosma", event_name={"pointer": "/opcode"})
    block = 'event: {0}\ndata: {{"opcode": "{1}", "data": {{}}}}\n\n'
    right = with_body(PLAIN, 0, block.format("response.created", "response.created").encode())
    wrong = with_body(PLAIN, 0, block.format("response", "response.created").encode())
    assert rulings(profile, right)["SSE-06"].findings == ()
    (finding,) = rulings(profile, wrong)["SSE-06"].findings
    assert (finding.expected, finding.seen) == ("event: response.created", "event: response")
