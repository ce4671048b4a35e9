// The same bytes in Node: eventsource-parser or lines, JSON.parse, ajv. Prints the number of valid events and the CPU
// seconds of decoding and validating. `node decoder.mjs sse|ndjson FILE SCHEMAS MEMBER VALUE MEMBER`.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createParser } from 'eventsource-parser';

const [framing, file, schemas, first, within, second] = process.argv.slice(2);
const ajv = new Ajv2020({ strict: false, allErrors: false });
addFormats(ajv);
const checks = Object.entries(JSON.parse(readFileSync(schemas, 'utf8'))).map(([name, schema]) => [name, ajv.compile(schema)]);
const byName = new Map(checks);
const text = readFileSync(file, 'utf8');
const begun = process.cpuUsage();
let valid = 0;
const take = (data) => {
  const value = JSON.parse(data);
  const check = byName.get(value[first] === within ? `${within}.${value[second]}` : value[first]);
  if (check !== undefined && check(value)) valid += 1;
};
if (framing === 'sse') {
  const parser = createParser({ onEvent: (event) => take(event.data) });
  for (let at = 0; at < text.length; at += 65536) parser.feed(text.slice(at, at + 65536));
} else {
  for (const line of text.split('\n')) if (line !== '') take(line);
}
const took = process.cpuUsage(begun);
console.log(JSON.stringify({ cpu_s: (took.user + took.system) / 1e6, result: { valid } }));
