"""Where a finding points: at what is wrong, not at what suffers from it."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamvet.checks.terminal import one_terminal
from streamvet.checks.transport import complete_message, stream_status
from streamvet.contract.loading import load_profile
from streamvet.examples import base_trace, bases, examples
from streamvet.outcome import Verdict
from streamvet.systems import judge_of
from streamvet.systems.ghostly.checks.runs import one_run_end
from streamvet.trace import Ending

if TYPE_CHECKING:
    from streamvet.outcome import Check, Finding
    from streamvet.trace import Exchange, Trace
    from streamvet.verdicts import Ruling

GHOSTLY, COSMA = load_profile("ghostly"), load_profile("cosma")


def found_in(check: Check, trace: Trace) -> tuple[Finding, Exchange]:
    """The first finding of a check, and its exchange."""
    outcome = check(trace, load_profile(trace.profile))
    assert isinstance(outcome, list)
    first = outcome[0]
    return first, next(one for one in trace.exchanges if one.id == first.exchange)


def test_the_second_of_two_ends_is_the_wrong_one() -> None:
    twice = next(one.bad for one in examples("TRM-02") if one.bad.profile == "ghostly" and not one.holds)
    first, exchange = found_in(one_terminal, twice)
    said = exchange.body[slice(*first.span)]
    assert (said.count(b"event: status"), first.seen) == (1, "status.fail after status.fail")
    assert b'"status":"fail"' in exchange.body[: first.span[0]]


def test_the_second_run_end_is_the_wrong_one() -> None:
    start, stream, *rest = base_trace(bases()["ghostly-failing"]).exchanges
    chunk = next(one for one in stream.chunks if b"run_end" in one.data)
    end = chunk.start + len(chunk.data)
    body = stream.body[:end] + chunk.data + stream.body[end:]
    whole = replace(stream, body=body, ends=array("q", [len(body)]), times=array("q", [chunk.at_us]))
    trace = base_trace(bases()["ghostly-failing"])
    first, _ = found_in(one_run_end, replace(trace, exchanges=(start, whole, *rest)))
    assert (first.seen, first.span) == ("2 of them", (end, end + len(chunk.data)))


def test_a_stream_that_is_cut_off_had_not_told_its_end_either() -> None:
    trace = base_trace(bases()["cosma-stop"])
    stream = next(one for one in trace.exchanges if b"shutting_down" in one.body)
    before = stream.body.index(b"event: update", 0, stream.body.index(b"shutting_down"))
    for body, said in ((stream.body[:before], ", and no shutting_down before that"), (stream.body, "")):
        cut = replace(stream, body=body, ending=Ending.TRUNCATED, detail="the last chunk is missing")
        first, _ = found_in(complete_message, replace(trace, exchanges=(cut,)))
        assert first.seen.startswith("truncated: the last chunk is missing, after ")
        assert first.seen.endswith(f" after the head{said}")


def redirected(trace: Trace) -> Trace:
    """The trace where each request for a run is answered with a redirect, so that nothing follows on it."""
    start = next(one for one in trace.exchanges if one.role == "start")
    assert start.head is not None
    head = start.head._replace(status=307, headers=(("Location", "https://example.org/v1/run"),))
    return replace(trace, exchanges=(replace(start, head=head),))


def test_a_redirect_is_the_reason_of_all_that_follows() -> None:
    trace = redirected(base_trace(bases()["ghostly-straight"]))
    first, _ = found_in(stream_status, trace)
    assert first.seen == "status 307 to https://example.org/v1/run"
    bench = judge_of(GHOSTLY)
    bench.add(trace)
    reasons = {one.reason for one in bench.rulings() if one.verdict.value == "INCONCLUSIVE"}
    # Some rows say besides which violation keeps them from being tried.
    reasons = {one.removeprefix("TRN-01 is violated; ") for one in reasons}
    assert reasons == {"not tried: start:run is answered with a redirect to https://example.org/v1/run"}


@pytest.mark.parametrize("row", ["ORD-06", "CAT-02", "CAT-03", "CAT-05", "CAT-07"])
def test_who_has_it_right_is_shown_beside(row: str) -> None:
    told = 0
    for example in examples(row):
        bench = judge_of(load_profile(example.bad.profile))
        outcome = bench.add(example.bad)[row]
        for one in outcome if isinstance(outcome, list) else ():
            if one.witness is None:
                continue
            name, (start, end) = one.witness
            (exchange,) = [x for x in example.bad.exchanges if x.id == name]
            assert name in one.beside
            assert 0 <= start < end <= len(exchange.body)
            told += 1
    assert told


def judged(trace: Trace) -> dict[str, Ruling]:
    """What is said of each requirement, by its id."""
    bench = judge_of(load_profile(trace.profile))
    bench.add(trace)
    return {one.requirement.id: one for one in bench.rulings()}


def test_an_answer_that_no_reader_can_take_says_nothing_of_many_readers() -> None:
    trace = base_trace(bases()["promptfloe-many"])
    assert judged(trace)["TRN-12"].verdict is Verdict.PASS
    broken: dict[str, Any] = {
        "head": None,
        "body": b"",
        "ends": array("q"),
        "times": array("q"),
        "ending": Ending.MALFORMED,
    }
    many = tuple(replace(one, **broken) if one.role == "many" else one for one in trace.exchanges)
    found = judged(replace(trace, exchanges=many))
    assert (found["TRN-01"].verdict, found["TRN-12"].verdict) == (Verdict.FAIL, Verdict.INCONCLUSIVE)
    assert "none of the readers was answered with a stream" in found["TRN-12"].reason


def test_a_run_that_outlives_its_time_may_be_over_when_it_is_cancelled() -> None:
    detached, finished = base_trace(bases()["promptfloe-detached"]), base_trace(bases()["promptfloe-cancel-finished"])
    start, *_, record, _ = detached.exchanges
    cancel = next(one for one in finished.exchanges if one.role == "cancel-finished")
    assert (record.about["life"] > 1, cancel.status) == (True, 409)
    running = replace(record, body=record.body.replace(b"failed", b"running"))
    running = replace(running, ends=array("q", [len(running.body)]))
    about = {**record.about, "life": 0.1}
    for asked, wrong in ((running, {"CAT-12"}), (replace(running, about=about), {"CAN-01"})):
        late = replace(cancel, role="cancel", about=asked.about, sent_us=asked.ended_us + 1)
        found = judged(replace(detached, exchanges=(start, asked, late)))
        assert {name for name, one in found.items() if one.findings} == wrong


def test_pieces_that_a_returning_reader_lacks_make_no_text() -> None:
    trace = base_trace(bases()["promptfloe-skill"])
    reader = next(one for one in trace.exchanges if one.role == "reader")
    lines = reader.body.splitlines(keepends=True)
    lines.remove(next(line for line in lines if b'"chunk"' in line))
    body = b"".join(lines)
    later: dict[str, Any] = {"id": "x9", "role": "after", "operation": "attach", "sent_us": reader.ended_us + 1000}
    shifted = array("q", [reader.ended_us + 3000])
    again = replace(
        reader, **later, about={**reader.about, "finished": True}, body=body, times=shifted,
        head=reader.head and reader.head._replace(at_us=reader.ended_us + 2000), ended_us=reader.ended_us + 4000,
        ends=array("q", [len(body)]),
    )  # fmt: skip
    found = judged(replace(trace, exchanges=(*trace.exchanges, again)))
    assert [len(found[name].findings) for name in ("CAT-02", "EVT-14")] == [1, 0]
    assert found["EVT-14"].explained
