'use strict';
/*
 * The run endpoints of promptfloe, written from the published specification alone: docs/spec/promptfloe.md, and
 * docs/spec/control.md for the control interface. Node 20, nothing but its standard library.
 *
 * A run has a log, an array of finished lines. A reader is a position in that log; it is pumped whenever the log grows
 * and whenever its socket takes bytes again. So there is no seam between replay and live, every reader gets the same
 * bytes, and a reader that stalls costs nothing but its position. Event n of a run has the id n, so a cursor is a
 * position too.
 *
 * Environment:
 *   PORT        where to listen, on 127.0.0.1; 4100 if not set
 *   TIME_SCALE  the factor for all intervals; 1 if not set
 *   DATA        a file to which runs are appended, so that they survive a restart; without it they live in memory
 *   CONTROL     the path of the control interface, for tests only; without it there is none
 *   BUG         no-flush, inclusive-cursor or silent-error: does one thing wrong, to see it found
 */
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { setTimeout: sleep, setImmediate: yieldTurn } = require('node:timers/promises');

const PORT = Number(process.env.PORT || 4100);
const TIME_SCALE = Number(process.env.TIME_SCALE || 1);
const { DATA, CONTROL, BUG } = process.env;
if (!(TIME_SCALE > 0)) throw new Error(`TIME_SCALE: expected a number above 0, got ${process.env.TIME_SCALE}`);
if (BUG && !['no-flush', 'inclusive-cursor', 'silent-error'].includes(BUG)) throw new Error(`BUG: there is no ${BUG}`);

const DETACHED_LIFE_MS = 300_000;
const LONGEST_BODY = 1 << 20;
const LONGEST_CONTROL_BODY = 1 << 27;
const TERMINAL = ['ready', 'done', 'error', 'cancelled'];
const AUGMENTERS = ['dark-mode', 'seo', 'a11y'];
const KEYS = {
  pf_test_a: { workspace: 'a' },
  pf_test_b: { workspace: 'b' },
  pf_test_expired: { workspace: 'a', expires: '2024-01-31T00:00:00Z' },
};

const runs = new Map(); // id -> run
const scripts = new Map(); // id -> {steps, outcome}
let refusals = 0; // how many of the next starts the rate limit refuses

const newId = (prefix) => `${prefix}_${crypto.randomBytes(9).toString('hex')}`;
const scaled = (ms) => Math.min(ms * TIME_SCALE, 2 ** 31 - 1);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// ------------------------------------------------------------------------------------------------ runs

function createRun(id, workspace, kind) {
  const run = { id, workspace, kind, status: 'running', log: [], readers: new Set(), stop: new AbortController() };
  runs.set(id, run);
  return run;
}

/** Stores an event, then shows it to every reader. */
function emit(run, event) {
  const id = run.log.length + 1;
  const line = JSON.stringify({ type: event.type, id, runId: run.id, ...event, id, runId: run.id }) + '\n';
  store(line);
  run.log.push(line);
  for (const reader of run.readers) pump(run, reader);
}

/** Ends a run, once: whoever comes second, be it a cancellation or the end of the work, changes nothing. */
function finish(run, status, event) {
  if (run.status !== 'running') return;
  run.status = status; // first, so that the record is right once a reader sees the event
  run.stop.abort();
  clearTimeout(run.detached);
  if (event) emit(run, event);
  for (const reader of run.readers) pump(run, reader);
}

function record(run) {
  const answer = { runId: run.id, status: run.status };
  const files = new Map();
  const insights = [];
  let markdown = '';
  for (const line of run.log) {
    const event = JSON.parse(line);
    if (event.type === 'chunk') markdown += event.delta;
    if (event.type === 'insight') insights.push(event.insight);
    if (event.type === 'file') files.set(event.path, { path: event.path, contents: event.contents });
    if (event.type === 'file_written') files.set(event.path, { path: event.path, status: event.status });
    if (event.type === 'done') Object.assign(answer, { tokensUsed: event.tokensUsed, durationMs: event.durationMs });
  }
  return { ...answer, ...(run.kind !== 'build' && { markdown }), insights, files: [...files.values()] };
}

// --------------------------------------------------------------------------------------------- readers

/** Answers with the events after the first `position` ones, then with what happens, up to the end of the run. */
function attach(run, res, position) {
  const reader = { res, position };
  res.writeHead(200, {
    'Content-Type': 'application/x-ndjson',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
    'X-Run-Id': run.id,
  });
  res.flushHeaders();
  run.readers.add(reader);
  clearTimeout(run.detached);
  res.on('drain', () => pump(run, reader));
  res.on('error', () => {}); // a connection that breaks is also closed
  res.on('close', () => leave(run, reader));
  if (res.destroyed) leave(run, reader);
  else pump(run, reader);
}

/** Sends what the reader lacks, as far as its socket takes it. */
function pump(run, reader) {
  if (BUG === 'no-flush' && run.status === 'running') return;
  while (reader.position < run.log.length) {
    if (reader.res.writableNeedDrain) return; // a drain brings us back
    reader.res.write(run.log[reader.position++]);
  }
  if (run.status !== 'running' && !reader.res.writableEnded) reader.res.end();
}

/** A reader has gone. The run goes on; without any reader it has five minutes left. */
function leave(run, reader) {
  run.readers.delete(reader);
  if (run.readers.size || run.status !== 'running') return;
  clearTimeout(run.detached);
  run.detached = setTimeout(() => {
    finish(run, 'failed', { type: 'error', code: 'detached', message: 'The run had no reader for too long.' });
  }, scaled(DETACHED_LIFE_MS));
}

// ------------------------------------------------------------------------------------------------ work

/** Performs a script, or the run's own work, and ends the run. A cancellation ends it where it is. */
async function perform(run, { steps, outcome }) {
  const started = Date.now();
  let owed = 0; // ms still to be waited; timers know no fractions, so these are kept for the next wait
  try {
    for (const [index, step] of steps.entries()) {
      if ('wait_ms' in step) {
        owed += scaled(step.wait_ms);
        const whole = Math.floor(owed);
        owed -= whole;
        if (whole) await sleep(whole, undefined, { signal: run.stop.signal });
      } else {
        if (index % 16 === 15) await yieldTurn(); // a long script must not keep others from being served
        if (run.status !== 'running') return;
        emit(run, step.emit);
      }
    }
  } catch (error) {
    if (run.stop.signal.aborted) return;
    console.error(error);
    outcome = 'fails';
  }
  if (outcome === 'fails') {
    const event = { type: 'error', code: 'worker_failed', message: 'The work could not be done.' };
    finish(run, 'failed', BUG === 'silent-error' ? null : event);
  } else if (outcome === 'succeeds' && run.kind === 'build') {
    const appId = run.id.replace('run_', 'app_');
    finish(run, 'succeeded', { type: 'ready', appId, previewUrl: `https://preview.example.org/${appId}` });
  } else if (outcome === 'succeeds') {
    finish(run, 'succeeded', { type: 'done', tokensUsed: 7 * run.log.length, durationMs: Date.now() - started });
  }
}

/** What a run does when no script tells it: a small show. */
function ownWork(kind, body) {
  const pause = { wait_ms: 400 };
  const wanted = [...new Set(body.augmenters)]; // each has one pair of events
  const title = JSON.stringify(body.prompt);
  const show = {
    build: () => [
      { type: 'plan', summary: `A page for: ${body.prompt}`, files: ['src/App.tsx'] },
      { type: 'file', path: 'src/App.tsx', contents: `export default () => <h1>{${title}}</h1>;\n` },
      { type: 'review', notes: 'Nothing to add.', files: ['src/App.tsx'] },
      ...wanted.flatMap((alias) => [
        { type: 'augmenter', alias, status: 'started' },
        { type: 'augmenter', alias, status: AUGMENTERS.includes(alias) ? 'applied' : 'failed' },
      ]),
    ],
    skill: () => [
      { type: 'chunk', delta: `# ${body.alias}\n\n` },
      { type: 'chunk', delta: body.text ?? 'There was no text.' },
      { type: 'insight', insight: { kind: 'tip', label: 'Short', detail: 'The text could be longer.' } },
    ],
    augmenter: () => [
      { type: 'started' },
      { type: 'planning' },
      { type: 'progress', stage: 'write', percent: 50 },
      { type: 'file_written', path: `src/${body.alias}.css`, status: 'created' },
    ],
  };
  return { steps: show[kind]().flatMap((event) => [{ emit: event }, pause]), outcome: 'succeeds' };
}

// ------------------------------------------------------------------------------------------- the store

/** One line for each start and each event, written before anybody sees the event. */
let storeFile = null;

function store(line) {
  if (storeFile !== null) fs.writeSync(storeFile, line);
}

/** Reads the store. A run that was active when the server stopped has lost its work, so it has failed. */
function openStore() {
  const stored = fs.existsSync(DATA) ? fs.readFileSync(DATA) : Buffer.alloc(0);
  const whole = stored.lastIndexOf('\n') + 1; // a crash may have left a part of a line
  for (let from = 0, to; from < whole; from = to) {
    to = stored.indexOf('\n', from) + 1;
    const line = stored.toString('utf8', from, to);
    const entry = JSON.parse(line);
    if (entry.start) {
      createRun(entry.start.id, entry.start.workspace, entry.start.kind);
      continue;
    }
    const run = runs.get(entry.runId);
    run.log.push(line);
    if (!TERMINAL.includes(entry.type)) continue;
    run.status = { error: 'failed', cancelled: 'cancelled' }[entry.type] ?? 'succeeded';
  }
  storeFile = fs.openSync(DATA, 'a');
  fs.ftruncateSync(storeFile, whole);
  for (const run of runs.values()) {
    finish(run, 'failed', { type: 'error', code: 'interrupted', message: 'The server was restarted.' });
  }
}

// --------------------------------------------------------------------------------------------- answers

/** A refusal: thrown anywhere before a stream begins, answered with the envelope. */
class Refusal extends Error {
  constructor(status, code, message, retryAfterMs) {
    super(message);
    Object.assign(this, { status, code, retryAfterMs });
  }
}

const noSuchRun = () => new Refusal(404, 'not_found', 'There is no such run.');
const invalid = (message) => new Refusal(400, 'invalid_request', message);

function sendJson(res, status, body, headers = {}) {
  const text = Buffer.from(JSON.stringify(body));
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length, ...headers });
  res.end(text);
}

function sendRefusal(res, { status, code, message, retryAfterMs }) {
  const headers = {};
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
  if (retryAfterMs) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1000));
  sendJson(res, status, { error: { code, message, requestId: newId('req'), retryAfterMs } }, headers);
}

async function readJson(req, limit) {
  const parts = [];
  let length = 0;
  for await (const part of req) {
    length += part.length;
    if (length <= limit) parts.push(part);
  }
  if (length > limit) throw invalid('The body is too long.');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    throw invalid('The body is not JSON in UTF-8.');
  }
}

// ------------------------------------------------------------------------------------------- endpoints

const STARTS = { '/v1/apps/generate': 'build', '/v1/skills/run': 'skill', '/v1/augmenters/run': 'augmenter' };
const IS_TEXT = (value) => typeof value === 'string';
const IS_FLAG = (value) => typeof value === 'boolean';
const IS_LIST = (value) => Array.isArray(value) && value.every(IS_TEXT);
const RUN_KEYS = {
  alias: IS_TEXT, appId: IS_TEXT, chatId: IS_TEXT, url: IS_TEXT, text: IS_TEXT, dryRun: IS_FLAG, force: IS_FLAG,
};
const BODY_KEYS = {
  build: { prompt: IS_TEXT, template: IS_TEXT, chatId: IS_TEXT, augmenters: IS_LIST },
  skill: RUN_KEYS,
  augmenter: RUN_KEYS,
};

/** The workspace of the request's key. */
function authorise(req) {
  const [, name] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
  const key = name !== undefined && Object.hasOwn(KEYS, name) ? KEYS[name] : null;
  if (!key) throw new Refusal(401, 'invalid_key', 'A valid API key is needed.');
  if (Date.parse(key.expires) < Date.now()) throw new Refusal(401, 'expired_key', 'The API key has expired.');
  return key.workspace;
}

async function start(req, res, workspace, kind) {
  if (refusals > 0) {
    refusals -= 1;
    throw new Refusal(429, 'rate_limited', 'Too many requests.', 1000);
  }
  const body = await readJson(req, LONGEST_BODY);
  if (!isObject(body)) throw invalid('The body has to be an object.');
  for (const [key, holds] of Object.entries(BODY_KEYS[kind])) {
    if (body[key] !== undefined && !holds(body[key])) throw invalid(`${key} has a wrong type.`);
  }
  const needed = kind === 'build' ? 'prompt' : 'alias';
  if (!body[needed]) throw invalid(`${needed} is needed.`);
  if (kind === 'augmenter' && !AUGMENTERS.includes(body.alias)) throw invalid('There is no such augmenter.');
  const scriptId = CONTROL && req.headers['streamvet-script'];
  if (scriptId && !scripts.has(scriptId)) throw invalid('There is no such script.');

  const run = createRun(newId('run'), workspace, kind);
  store(JSON.stringify({ start: { id: run.id, workspace, kind } }) + '\n');
  attach(run, res, 0);
  perform(run, scriptId ? scripts.get(scriptId) : ownWork(kind, body));
}

/** How many events of the run a cursor stands for. Ours are decimal numbers. */
function positionOf(cursor, run) {
  if (!cursor) return 0;
  if (!/^(0|[1-9]\d{0,15})$/.test(cursor)) throw invalid('The cursor is malformed.');
  const id = Number(cursor);
  if (id < 1 || id > run.log.length) throw new Refusal(409, 'conflict', 'The cursor is not of this run.');
  return BUG === 'inclusive-cursor' ? id - 1 : id;
}

function cancel(run, res) {
  if (run.status !== 'running') throw new Refusal(409, 'conflict', 'The run is over.');
  finish(run, 'cancelled', { type: 'cancelled' });
  sendJson(res, 200, { runId: run.id, status: run.status });
}

async function serve(req, res) {
  const [path, query] = req.url.split(/\?(.*)/s);
  if (path === '/health') return sendJson(res, 200, { ok: true });
  if (CONTROL && path === CONTROL && req.method === 'POST') return control(req, res);

  const workspace = authorise(req);
  if (req.method === 'POST' && Object.hasOwn(STARTS, path)) return start(req, res, workspace, STARTS[path]);
  const [, id, verb] = /^\/v1\/runs\/([^/]+)(\/events|\/cancel)?$/.exec(path) ?? [];
  const run = runs.get(id);
  const operation = `${req.method} ${verb ?? ''}`;
  if (!run || run.workspace !== workspace) throw noSuchRun();
  if (operation === 'GET /events') return attach(run, res, positionOf(new URLSearchParams(query).get('cursor'), run));
  if (operation === 'POST /cancel') return cancel(run, res);
  if (operation === 'GET ') return sendJson(res, 200, record(run));
  throw new Refusal(404, 'not_found', 'There is no such endpoint.');
}

// --------------------------------------------------------------------------------------------- control

const hasKeys = (object, ...keys) => Object.keys(object).every((key) => keys.includes(key));
const isStep = (step) => isObject(step) && Object.keys(step).length === 1 && (
  (isObject(step.emit) && !TERMINAL.includes(step.emit.type)) ||
  (typeof step.wait_ms === 'number' && step.wait_ms >= 0 && step.wait_ms <= 86_400_000));

async function control(req, res) {
  const body = await readJson(req, LONGEST_CONTROL_BODY).catch(() => null);
  const wanted = isObject(body) ? body : {};
  if (wanted.do === 'describe' && hasKeys(wanted, 'do')) {
    const can = ['script', 'fail', 'reset'];
    return sendJson(res, 200, { control: 1, profile: 'promptfloe', time_scale: TIME_SCALE, can });
  }
  if (wanted.do === 'script' && hasKeys(wanted, 'do', 'steps', 'outcome') && Array.isArray(wanted.steps) &&
      wanted.steps.every(isStep) && ['succeeds', 'fails', 'hangs'].includes(wanted.outcome)) {
    const id = newId('script');
    scripts.set(id, { steps: wanted.steps, outcome: wanted.outcome });
    return sendJson(res, 201, { script: id });
  }
  const { times = 1 } = wanted;
  if (wanted.do === 'fail' && hasKeys(wanted, 'do', 'what', 'times') && wanted.what === 'rate' &&
      Number.isSafeInteger(times) && times >= 1) {
    refusals += times;
    return sendJson(res, 200, {});
  }
  if (wanted.do === 'reset' && hasKeys(wanted, 'do')) {
    reset();
    return sendJson(res, 200, {});
  }
  return sendJson(res, 400, { error: 'expected describe, script, fail with what: rate, or reset' });
}

function reset() {
  for (const run of runs.values()) {
    run.status = 'failed'; // nothing more comes of it, neither from its work nor from its clock
    run.stop.abort();
    clearTimeout(run.detached);
    for (const reader of run.readers) reader.res.destroy();
  }
  runs.clear();
  scripts.clear();
  refusals = 0;
  if (storeFile !== null) fs.ftruncateSync(storeFile, 0);
}

// ---------------------------------------------------------------------------------------------- server

const server = http.createServer((req, res) => {
  serve(req, res).catch((error) => {
    if (res.headersSent || req.destroyed && !req.complete) return res.destroy();
    if (!(error instanceof Refusal)) console.error(error);
    sendRefusal(res, error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'Something went wrong.'));
  });
});
server.keepAliveTimeout = 65_000;
if (DATA) openStore();
server.listen(PORT, '127.0.0.1', () => console.log(`promptfloe on http://127.0.0.1:${PORT}`));
