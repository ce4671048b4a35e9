// Jobs that stream their lines, and where the control interface is mounted.
"use strict";

const express = require("express");
const { once } = require("node:events");
const { control } = require("./control.js");

const app = express();
const scripts = process.env.CONTROL && control(app, {
  profile: "jobs", path: process.env.CONTROL, timeScale: Number(process.env.TIME_SCALE ?? 1), terminal: ["done", "failed"],
});

app.post("/jobs", express.json(), async (req, res) => {
  const script = scripts ? scripts.of(req) : undefined;
  if (script === null) return res.status(400).json({ error: "unknown script" });
  const gone = new AbortController();
  res.on("close", () => gone.abort());
  res.set({ "Content-Type": "application/x-ndjson", "Cache-Control": "no-store", "X-Accel-Buffering": "no" });
  res.flushHeaders();
  const emit = async (event) => {
    if (!res.write(JSON.stringify(event) + "\n")) await once(res, "drain", { signal: gone.signal });
  };
  try {
    const outcome = script ? await scripts.perform(script, emit, gone.signal) : await work(req.body?.lines ?? 3, emit);
    res.end(JSON.stringify({ type: outcome === "fails" ? "failed" : "done" }) + "\n");
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
});

async function work(lines, emit) {
  for (let number = 1; number <= lines; number++) await emit({ type: "line", text: `line ${number}` });
}

app.use((error, _req, res, _next) => res.status(error.status ?? 500).json({ error: String(error.message) }));
app.use((_req, res) => res.status(404).json({ error: "not found" }));
app.listen(Number(process.env.PORT ?? 4300), "127.0.0.1");
