"""The words with which a probe says what an exchange was meant for: tables of roles and of further facts.

Data only: checks look at roles and facts, never at the probe. Must not know probes or checks.
"""

from __future__ import annotations

# The keys of Exchange.about, and what their values mean.
ABOUT = {
    "meant": "what a conforming candidate answers: stream, answer, refusal, or either (both are conforming)",
    "account": "whose credentials: primary, other, expired, missing, malformed, forged, unsigned; of right ones that "
    "nearly fit shortened, lengthened, halved, empty, bare (without a signature)",
    "run": "the label of the run in this trace: r1, r2, …; unknown for a run id that does not exist",
    "run_id": "the id of the run that the request names, or that a start was answered with",
    "no_id": "where the good answer to a start should have the id of the run and has none",
    "hindrance": "why the try could not go on: what the candidate gave does not fit into a request, or is not what the "
    "control interface has to answer",
    "kind": "the kind of start of the run: run, build, skill, …",
    "cursor": "the cursor that was sent",
    "cursor_from": "where it comes from: seen, empty, malformed, unknown, last-event-id",
    "after": "how many history events of the run had been seen when the cursor was taken",
    "after_terminal": "true where the cursor is that of the run's terminal event, or of a later one",
    "case": "which of several wrong inputs was sent, or which list was asked for",
    "project": "the project for which a list was asked",
    "finished": "true where the run was known to be finished before the request was sent",
    "over": "the statuses that tell whoever asks that the run is over",
    "replica": "which process of the candidate the request went to, from 1 on; in tries of several alone",
    "restarts": "how often the candidate had been restarted in this try before the request was sent",
    "stalled_until_us": "a reader that read nothing before this time",
    "strand": "of which stream an answer is a piece, where the server closed it early and its reader came back",
    "stuck": "true where who came back got what it had again, and nothing behind it",
    "silent_ms": "for how long a run that ends, by its input, had told nothing when it was no longer waited for",
    "observe_us": "how long a wait was meant to observe, from the head",
    "life": "how much of its time without readers a run had spent, as a fraction",
    "due_us": "when the last event of what was published was due; a reader was cut when it had it, or after then",
    "until": "the last cursor of what was due on an ambient stream; behind that streams are not compared",
    "accept": "the media type that the request asked for, where it is not that of the stream",
    "moment": "which step of the stimulus's timeline the request performs, counted from 0",
    "tag": "what the ids of the state that the request puts begin with, so that no other try has them",
    "subject": "the id or the path of what the request is about: an item, a directory, a job, what is pushed",
    "turn": "which push of its subject in this try the request is, counted from 1; nobody else pushes it",
    "content": "a label of what is pushed: of one subject, equal labels are equal content",
    "writes": "the plan files that a pushed session writes, in order: name, label of the content, and which push of "
    "the try that writes this file it is, counted from 1",
    "triggered": "what was made to happen while a reader was attached, as the target file says how: which trigger, "
    "when it began, when it was done, and why it failed where it did",
    "behind": "the first bytes that came on the connection behind the end of the message, as text",
    "redirected": "true where the request follows a redirect of the one before it",
    "files": "what was done on disk while a reader was attached: when, what (created, changed, deleted, "
    "renamed, made unreadable, directory renamed, directory removed), path, and to which other path",
}

# Exchange.role, and what a probe means by it.
ROLES = {
    "setup": "a set-up request of the profile, whose answer fills names in all others",
    "login": "a login with the right credentials",
    "login-wrong": "a login with a wrong password",
    "login-malformed": "a login with a body that the profile lists as wrong",
    "start": "the start of a run whose answer is not a stream",
    "start-refused": "a start with a wrong body, or without credentials",
    "reader": "reads from the beginning of the run, attached before its first step or as the start's own stream; of an "
    "ambient stream, attached before anything of the try happens",
    "newcomer": "comes after something was emitted, on a system that replays nothing",
    "returned": "comes back to an ambient stream after a restart of the candidate",
    "idle": "stays on a stream on which nothing happens, for as long as the profile keeps it open",
    "unacceptable": "requests a stream with an Accept field that excludes it",
    "trigger": "makes something happen on an ambient stream",
    "trigger-refused": "a trigger for something that does not exist",
    "look": "asks for a part of the state of an ambient system",
    "late": "joins an active run in its middle, without a cursor",
    "cut": "reads from the beginning and is cut off by us",
    "resumed": "comes back to a run: with a cursor where the profile has one, without where it replays all",
    "after": "reads a run that is known to be finished, without a cursor",
    "stalled": "stops reading for a while",
    "watch": "waits for heartbeats on an active run",
    "many": "one of as many readers at once as the profile names",
    "churn": "one of many short connections",
    "last": "the reader that follows many short connections",
    "racer": "joins at the moment when the run ends",
    "intruder": "requests a stream that must be refused",
    "cancel": "cancels an active run",
    "cancel-again": "cancels a run that is cancelled and over",
    "cancel-finished": "cancels a run that has finished",
    "cancel-racing": "cancels a run that may just have finished",
    "cancel-refused": "cancels an unknown run, or another user's",
    "record-active": "requests the record of a run that is active",
    "record-after": "requests the record once a reader has seen the terminal event",
    "record-detached": "requests the record of a run that has no readers",
    "record-returned": "requests the record of a run whose reader has returned and left again",
    "record-left": "requests the record of a run whose only reader has left, when the run has to go on or to be over",
    "record-restarted": "requests the record of a run from before a restart of the candidate",
    "record-refused": "requests the record of an unknown run, or another user's",
    "list": "requests a list",
    "limited": "a request that the rate limit refuses",
    "control": "speaks to the control interface",
    "unsent": "cannot be sent, as what the candidate gave does not fit into a request; nothing is missing then",
}
