"""Checks PRINT-01 and PRINT-02: reads traces from standard input, prints an outcome for each of them and each trace."""

import base64
import json
import sys


def traces(lines):
    """Each trace: the number in its first record, and its exchanges in their order."""
    found = []
    for line in lines:
        record = json.loads(line)
        kind = record["record"]
        if kind == "trace":
            found.append((record.get("number", 1), {}))  # a recording by itself has no number
        elif kind == "exchange":
            found[-1][1][record["id"]] = record | {"body": b""}
        elif kind == "chunk":
            data = record["text"].encode() if "text" in record else base64.b64decode(record["base64"])
            found[-1][1][record["exchange"]]["body"] += data
    return [(number, list(exchanges.values())) for number, exchanges in found]


def events(exchange):
    """Each event of a stream, and where its line begins and ends. What is no event the suite itself complains of."""
    start = 0
    for line in exchange["body"].split(b"\n")[:-1]:
        end = start + len(line)
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            yield event, [start, end]
        start = end + 1


def ordered(exchanges):
    """How many pages each order wants, by the name that the trace gives to its run."""
    wanted = {}
    for one in exchanges:
        if one["operation"] == "start:order" and "run" in one["about"]:
            try:
                wanted[one["about"]["run"]] = json.loads(one["request"]["body"])["pages"]
            except (TypeError, ValueError, KeyError):  # a request that is wrong on purpose
                continue
    return wanted


def judged(number, exchanges):
    """The outcomes of both requirements for one trace."""
    counted, compared = [], []  # the findings
    is_done = is_compared = False
    wanted = ordered(exchanges)
    for one in exchanges:
        if one["operation"] != "attach":
            continue
        printed = 0
        for event, span in events(one):
            printed += event.get("type") == "page"
            if event.get("type") != "done":
                continue
            is_done = True
            if event.get("pages") != printed:
                counted.append(finding(one, span, f"done with {printed} pages", f"{event.get('pages')} pages"))
            pages = wanted.get(one["about"].get("run"))
            if pages is not None:
                is_compared = True
                if printed != pages:
                    compared.append(finding(one, span, f"{pages} pages, as ordered", f"{printed} pages"))
    yield outcome("PRINT-01", number, is_done, counted)
    yield outcome("PRINT-02", number, is_compared, compared)


def finding(exchange, span, expected, seen):
    """One violation."""
    return {"exchange": exchange["id"], "span": span, "expected": expected, "seen": seen}


def outcome(requirement, number, exercised, findings):
    """What one trace says about one requirement."""
    if not exercised:
        return {"id": requirement, "trace": number, "exercised": False, "reason": "no order is done"}
    return {"id": requirement, "trace": number, "exercised": True, "findings": findings}


for trace_number, its_exchanges in traces(sys.stdin):
    for row in judged(trace_number, its_exchanges):
        print(json.dumps(row))
