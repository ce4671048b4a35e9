// What readers in JavaScript make of the test cases: undici's EventSource of event streams, JSON.parse of JSON texts.
// Reads {"streams": [[chunk in base64, …], …], "texts": [text, …]} from stdin, writes
// {"streams": [[[type, data, lastEventId], …], …], "texts": [parsed or not, …]} to stdout. Must not know what is right.

import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { EventSource } from "undici";

const AT_ONCE = 32; // connections: far below any limit on open files

const { streams, texts } = JSON.parse(await text(process.stdin));

const server = createServer(async (request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.flushHeaders();
  for (const chunk of streams[Number(request.url.slice(1))]) {
    response.write(Buffer.from(chunk, "base64"));
    await setImmediate(); // so that the chunks also leave one by one
  }
  response.end();
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address();

function read(index) {
  return new Promise((resolve) => {
    const events = [];
    const source = new EventSource(`http://127.0.0.1:${port}/${index}`);
    // Listeners are for one type each, and a case may have any type: so take the events where they are dispatched.
    source.dispatchEvent = (event) => {
      if (event.constructor.name === "MessageEvent") {
        events.push([event.type, event.data, event.lastEventId]);
      } else if (event.type === "error") { // the stream has ended; before it would connect again
        source.close();
        resolve(events);
      }
      return true;
    };
  });
}

const read_streams = [];
for (let start = 0; start < streams.length; start += AT_ONCE) {
  const some = streams.slice(start, start + AT_ONCE).map((_, offset) => read(start + offset));
  read_streams.push(...(await Promise.all(some)));
}

function parses(json) {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

const answer = JSON.stringify({ streams: read_streams, texts: texts.map(parses) });
process.stdout.write(answer, () => process.exit(0)); // idle connections would keep the process
