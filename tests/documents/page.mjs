// What the readers in JavaScript find around them. Node has fetch, but no EventSource; and the loop that promptfloe
// publishes takes its key and its handler from the program around it. Loaded before a reader with `node --import`.

import { EventSource } from "../peers/node_modules/undici/index.js";

globalThis.EventSource = EventSource;
globalThis.apiKey = process.env.API_KEY;
globalThis.handleEvent = (event) => console.log(JSON.stringify(event));
