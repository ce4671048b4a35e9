/*
 * Backups of volumes, with their progress as NDJSON: express on Node 20.
 *
 * A backup has a log, an array of finished lines. A reader is a position in that log; it is pumped when the log grows
 * and when its socket takes bytes again. So there is no seam between replay and live, and a reader that is slow costs
 * nothing but its position. Event n of a backup has the seq n, so a cursor is a position too.
 *
 *   PORT=4300 node server.js
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';

const HEARTBEAT_MS = 1500;
const ACCOUNTS = { bak_key_a: 'a', bak_key_b: 'b' }; // key: account
// The volumes of the demo: how many files each has, how long the first one takes, and how long each of the others.
const VOLUMES = {
  photos: { files: 4, first_ms: 100, next_ms: 100 },
  media: { files: 500, first_ms: 200, next_ms: 4000 },
  cracked: { files: 4, first_ms: 100, next_ms: 100, unreadable: 3 },
};

const backups = new Map(); // id -> backup; in memory, so a restart forgets them

function emit(backup, type, more = {}) {
  backup.log.push(JSON.stringify({ type, seq: backup.log.length + 1, ...more }) + '\n');
  for (const reader of backup.readers) pump(backup, reader);
}

/** Ends a backup, once. The record is right before a reader sees the event. */
function finish(backup, state, more) {
  if (backup.state !== 'running') return;
  backup.state = state;
  backup.stop.abort();
  emit(backup, state, more);
}

/** Shows what a backup would do. */
async function perform(backup) {
  const { files, first_ms, next_ms, unreadable } = VOLUMES[backup.volume];
  for (let n = 1; n <= files; n++) {
    await sleep(n === 1 ? first_ms : next_ms, undefined, { signal: backup.stop.signal });
    const path = `${backup.volume}/${String(n).padStart(4, '0')}.bin`;
    if (n === unreadable) return finish(backup, 'failed', { message: `${path} cannot be read.` });
    emit(backup, 'file', { path, bytes: 4096 * n });
  }
  finish(backup, 'finished', { files });
}

/** Answers with the events after the first `position` ones, then with what happens, to the end of the backup. */
function attach(backup, res, position) {
  res.status(200).set({
    'Content-Type': 'application/x-ndjson',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Backup-Id': backup.id,
  });
  res.flushHeaders();
  const reader = { res, position, heartbeat: null };
  backup.readers.add(reader);
  res.on('drain', () => pump(backup, reader));
  res.on('close', () => {
    clearTimeout(reader.heartbeat);
    backup.readers.delete(reader);
  });
  rest(backup, reader);
  pump(backup, reader);
}

/** Sends what the reader lacks, as far as its socket takes it. */
function pump(backup, reader) {
  const { res } = reader;
  while (reader.position < backup.log.length && !res.writableNeedDrain) {
    res.write(backup.log[reader.position++]);
    rest(backup, reader);
  }
  if (backup.state !== 'running' && reader.position === backup.log.length && !res.writableEnded) res.end();
}

/** After each write: the next one comes within the interval. */
function rest(backup, reader) {
  clearTimeout(reader.heartbeat);
  if (backup.state !== 'running') return;
  reader.heartbeat = setTimeout(() => {
    if (!reader.res.writableNeedDrain) reader.res.write('{"type":"waiting"}\n');
    rest(backup, reader);
  }, HEARTBEAT_MS);
}

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The account of the request's key. */
function accountOf(req) {
  const key = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
  if (key === undefined || !Object.hasOwn(ACCOUNTS, key)) throw new Refusal(401, 'A valid key is needed.');
  return ACCOUNTS[key];
}

/** The backup that the path names, if it belongs to the account. */
function backupOf(req) {
  const account = accountOf(req);
  const backup = backups.get(req.params.id);
  if (backup?.account !== account) throw new Refusal(404, 'There is no such backup.');
  return backup;
}

const recordOf = ({ id, volume, state }) => ({ id, volume, state });

const app = express();
app.disable('x-powered-by');

app.get('/health', (req, res) => res.json({ ok: true }));

app.post('/backups', (req, res, next) => { accountOf(req); next(); }, express.json(), (req, res) => {
  const volume = req.body?.volume;
  const known = typeof volume === 'string' && Object.hasOwn(VOLUMES, volume);
  if (!known) throw new Refusal(400, 'volume has to name a volume.');
  const backup = {
    id: randomBytes(9).toString('hex'), account: accountOf(req), volume, state: 'running', log: [],
    readers: new Set(), stop: new AbortController(),
  };
  backups.set(backup.id, backup);
  attach(backup, res, 0);
  perform(backup).catch((error) => {
    if (error.name !== 'AbortError') finish(backup, 'failed', { message: error.message });
  });
});

app.get('/backups/:id', (req, res) => res.json(recordOf(backupOf(req))));

app.get('/backups/:id/events', (req, res) => {
  const backup = backupOf(req);
  const after = req.query.after || '0';
  if (typeof after !== 'string' || !/^[0-9]{1,9}$/.test(after)) throw new Refusal(400, 'after is not a seq.');
  if (Number(after) > backup.log.length) throw new Refusal(409, 'after is not a seq of this backup.');
  attach(backup, res, Number(after));
});

app.delete('/backups/:id', (req, res) => {
  const backup = backupOf(req);
  if (backup.state !== 'running') throw new Refusal(409, 'The backup is over.');
  finish(backup, 'cancelled');
  res.status(202).json(recordOf(backup));
});

app.use(() => { throw new Refusal(404, 'There is no such endpoint.'); });

app.use((error, req, res, next) => {
  if (res.headersSent) return next(error); // express cuts the connection
  const status = error.status ?? 500;
  if (status === 401) res.set('WWW-Authenticate', 'Bearer');
  if (status >= 500) console.error(error);
  res.status(status).json({ error: status < 500 ? error.message : 'Something went wrong.' });
});

app.listen(Number(process.env.PORT || 4300), '127.0.0.1', (error) => { if (error) throw error; });
