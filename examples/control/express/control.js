// The control interface of streamvet for express: copy this file, and mount it in tests alone.
//
//   const scripts = control(app, { profile: "jobs", timeScale: 0.05, terminal: ["done", "failed"] });
//   const script = scripts.of(req);        // undefined: no script, do your own work; null: an unknown one, answer 400
//   const outcome = await scripts.perform(script, emit, signal);   // "succeeds" or "fails": emit your own ending
"use strict";

const express = require("express");
const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");

function control(app, { profile, timeScale = 1, terminal = [], path = "/_conformance" }) {
  if (process.env.STREAMVET_CONTROL !== "allow") {
    throw new Error("the control interface lets anybody invent events: set STREAMVET_CONTROL=allow, in tests alone");
  }
  const scripts = new Map();
  const isStep = (one) => typeof one?.wait_ms === "number" || (one?.emit && !terminal.includes(one.emit.type));
  const answers = {
    describe: () => [200, { control: 1, profile, time_scale: timeScale, can: ["script", "reset"] }],
    reset: () => (scripts.clear(), [200, {}]),
    script: ({ steps, outcome }) => {
      const known = ["succeeds", "fails", "hangs"].includes(outcome);
      if (!known || !Array.isArray(steps) || !steps.every(isStep)) return [400, { error: "no such script" }];
      const script = randomUUID();
      scripts.set(script, { steps, outcome });
      return [201, { script }];
    },
  };
  app.post(path, express.json({ limit: "64mb", type: () => true }), (req, res) => {
    const [status, body] = answers[req.body?.do]?.(req.body) ?? [400, { error: "unknown request" }];
    res.status(status).json(body);
  });
  app.use(path, (error, _req, res, _next) => res.status(400).json({ error: String(error.message) }));

  return {
    of(req) {
      const name = req.get("Streamvet-Script");
      return name === undefined ? undefined : (scripts.get(name) ?? null);
    },
    // Waits are measured from the start, so that many short ones add up as they are.
    async perform({ steps, outcome }, emit, signal) {
      const begun = performance.now();
      let due = 0;
      for (const step of steps) {
        if (step.emit) await emit(step.emit);
        else {
          due = Math.max(due, performance.now() - begun) + step.wait_ms * timeScale;
          await sleep(Math.max(due - (performance.now() - begun), 0), undefined, { signal });
        }
      }
      if (outcome === "hangs") await new Promise((_, gone) => signal.addEventListener("abort", () => gone(signal.reason)));
      return outcome;
    },
  };
}

module.exports = { control };
