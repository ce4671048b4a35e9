// What a program in TypeScript does with the package: an exhaustive switch, JSON by import, and what must not compile.
import type {
  AgentWorkspaceEvent, CosmaEvent, GhostlyEvent, GhostlyKnownEvent, PromptfloeAdoptedEvent, PromptfloeKnownEvent, RockstarEvent,
} from "./all.js";
import type { rockstar } from "streamvet-schemas";
import bundle from "streamvet-schemas/promptfloe/events.bundle.schema.json" with { type: "json" };
import chunk from "streamvet-schemas/promptfloe/events/chunk.schema.json" with { type: "json" };

function never(event: never): string {
  return `no such event: ${JSON.stringify(event)}`;
}

export function ofPromptfloe(event: PromptfloeKnownEvent): string {
  switch (event.type) {
    case "plan": return event.summary;
    case "file": return event.path + event.contents;
    case "review": return event.notes;
    case "augmenter": return String(event.status);
    case "ready": return event.appId;
    case "chunk": return event.delta;
    case "insight": return String(event.insight.label);
    case "file_written": return event.path;
    case "progress": return String(event.message);
    case "done": return event.type;
    case "error": return event.message;
    case "cancelled": return event.type;
    case "started": return event.type;
    case "planning": return event.type;
    default: return never(event);
  }
}

export function ofRockstar(event: RockstarEvent): string {
  switch (event.step) {
    case "redacting": case "compressing": case "checking": case "generating_preview": case "storing": case "linking_plans":
      return event.detail ?? "";
    case "done": return event.nanoid.toUpperCase();
    case "error": return event.error;
    default: return never(event);
  }
}

export function ofGhostly(event: GhostlyKnownEvent): number | string {
  if (typeof event === "string") return event; // a ping
  switch (event.kind) {
    case "status": return event.status === "pass" ? 0 : 1;
    case "end": return event.at;
    case "assist":
      switch (event.type) {
        case "step_start": case "step_success": case "step_failure": return event.stepIndex;
        case "run_end": return String(event.payload.cancelled ?? false);
        default: return event.seq;
      }
    default: return never(event);
  }
}

export function ofAgentWorkspace(event: AgentWorkspaceEvent): string[] {
  switch (event.event) {
    case "fleet_snapshot": case "fleet_update": return event.data.flatMap((run) => run.jobs.map((job) => job.agentType));
    case "fleet_logs": return event.data.map(String);
    case "heartbeat": return [event.data.ts.toFixed()];
    case "error": return [event.data.message];
    default: return [never(event)];
  }
}

export function ofCosma(event: CosmaEvent): string {
  return event.opcode === "file_failed" ? event.data.error : event.opcode;
}

export const done: rockstar.DoneEvent = {
  step: "done", nanoid: "abcdefghijkl", url: "https://example.org/", version: 1, changed: true,
};
export const titles: string[] = [bundle.title, chunk.title];
export const open: GhostlyEvent = { kind: "weather" }; // a type that no schema has may come
export const adopted: PromptfloeAdoptedEvent = { type: "augmenter", alias: "dark", status: "applied" };

// @ts-expect-error: a delta is a text
export const wrong: PromptfloeKnownEvent = { type: "chunk", delta: null };
// @ts-expect-error: a step that there is not
export const unlisted: RockstarEvent = { step: "weighing" };
// @ts-expect-error: a required key is missing
export const lacking: rockstar.DoneEvent = { step: "done", nanoid: "abcdefghijkl", url: "https://example.org/", version: 1 };

export function notExhaustive(event: RockstarEvent): string {
  switch (event.step) {
    case "done": return event.nanoid;
    // @ts-expect-error: other steps are left
    default: return never(event);
  }
}
