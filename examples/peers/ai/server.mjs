// A route of the AI SDK with its mock model, for useChat. What the last message says is what happens; the port is the argument.
import { createServer } from 'node:http';
import { convertToModelMessages, simulateReadableStream, streamText } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};

function chunks(fails) {
  const words = ['Grüße ', '\u2028', '😀', ', and more'].map((delta) => ({ type: 'text-delta', id: 't1', delta }));
  const last = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage };
  const begun = [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: 't1' }];
  if (fails) return [...begun, words[0], { type: 'error', error: new Error('it failed') }];
  return [...begun, ...words, { type: 'text-end', id: 't1' }, last];
}

function model(fails) {
  return new MockLanguageModelV3({
    doStream: async () => ({ stream: simulateReadableStream({ chunks: chunks(fails), chunkDelayInMs: 20 }) }),
  });
}

async function answer(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const { messages } = JSON.parse(Buffer.concat(pieces).toString());
  const fails = JSON.stringify(messages.at(-1)).includes('fail');
  const result = streamText({ model: model(fails), messages: await convertToModelMessages(messages), onError: () => {} });
  result.pipeUIMessageStreamToResponse(response);
}

createServer((request, response) => {
  if (request.url !== '/api/chat') return response.writeHead(404).end();
  return answer(request, response).catch(() => response.writeHead(400).end());
}).listen(Number(process.argv[2]), '127.0.0.1');
