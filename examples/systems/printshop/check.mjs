// The same as check.py, in JavaScript: PRINT-01 and PRINT-02.
import { readFileSync } from "node:fs";

/** Each trace: the number in its first record, and its exchanges in their order. */
function traces(text) {
  const found = [];
  for (const line of text.split("\n").filter(Boolean)) {
    const record = JSON.parse(line);
    const current = found.at(-1);
    if (record.record === "trace") found.push({ number: record.number ?? 1, exchanges: new Map() });
    if (record.record === "exchange") current.exchanges.set(record.id, { ...record, body: Buffer.alloc(0) });
    if (record.record === "chunk") {
      const data = "text" in record ? Buffer.from(record.text) : Buffer.from(record.base64, "base64");
      const exchange = current.exchanges.get(record.exchange);
      exchange.body = Buffer.concat([exchange.body, data]);
    }
  }
  return found.map(({ number, exchanges }) => ({ number, exchanges: [...exchanges.values()] }));
}

/** Each event of a stream, and where its line begins and ends. What is no event the suite itself complains of. */
function* events({ body }) {
  for (let start = 0, end; (end = body.indexOf("\n", start)) >= 0; start = end + 1) {
    let event = null;
    try {
      event = JSON.parse(body.toString("utf8", start, end));
    } catch {
      continue;
    }
    if (event !== null && typeof event === "object") yield { event, span: [start, end] };
  }
}

/** How many pages each order wants, by the name that the trace gives to its run. */
function ordered(exchanges) {
  const wanted = new Map();
  for (const { operation, about, request } of exchanges) {
    if (operation !== "start:order" || !("run" in about)) continue;
    try {
      wanted.set(about.run, JSON.parse(request.body).pages);
    } catch {
      // a request that is wrong on purpose
    }
  }
  return wanted;
}

function judged({ number, exchanges }) {
  const counted = [];
  const compared = [];
  let isDone = false;
  let isCompared = false;
  const wanted = ordered(exchanges);
  for (const exchange of exchanges.filter(({ operation }) => operation === "attach")) {
    let printed = 0;
    for (const { event, span } of events(exchange)) {
      if (event.type === "page") printed += 1;
      if (event.type !== "done") continue;
      isDone = true;
      const shown = { exchange: exchange.id, span };
      if (event.pages !== printed) {
        counted.push({ ...shown, expected: `done with ${printed} pages`, seen: `${event.pages} pages` });
      }
      const pages = wanted.get(exchange.about.run);
      if (pages === undefined) continue;
      isCompared = true;
      if (printed !== pages) {
        compared.push({ ...shown, expected: `${pages} pages, as ordered`, seen: `${printed} pages` });
      }
    }
  }
  return [
    outcome("PRINT-01", number, isDone, counted),
    outcome("PRINT-02", number, isCompared, compared),
  ];
}

/** What one trace says about one requirement. */
function outcome(id, trace, exercised, findings) {
  return exercised ? { id, trace, exercised, findings } : { id, trace, exercised, reason: "no order is done" };
}

for (const trace of traces(readFileSync(0, "utf8"))) {
  for (const row of judged(trace)) console.log(JSON.stringify(row));
}
