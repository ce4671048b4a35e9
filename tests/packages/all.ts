// The types of every system, from the imports that the package has for each.
export type { AgentWorkspaceEvent } from "streamvet-schemas/agent-workspace";
export type { CosmaEvent } from "streamvet-schemas/cosma";
export type { GhostlyEvent, GhostlyKnownEvent } from "streamvet-schemas/ghostly";
export type { PromptfloeAdoptedEvent, PromptfloeKnownEvent } from "streamvet-schemas/promptfloe";
export type { RockstarEvent } from "streamvet-schemas/rockstar";
