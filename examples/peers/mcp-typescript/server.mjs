// A server of the MCP SDK for TypeScript: one tool, which reports its progress. The port is the argument.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { z } from 'zod';

const sessions = new Map();

function counter() {
  const server = new McpServer({ name: 'counter', version: '1' });
  const input = { steps: z.number().default(5), pause_ms: z.number().default(30) };
  server.registerTool('count', { inputSchema: input }, async ({ steps, pause_ms }, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let progress = 1; progress <= steps; progress += 1) {
      if (progressToken !== undefined) {
        await extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total: steps, message: `step ${progress} \u2028 😀` },
        });
      }
      await pause(pause_ms);
    }
    return { content: [{ type: 'text', text: 'done' }] };
  });
  return server;
}

const app = express();
app.use(express.json());
app.all('/mcp', async (request, response) => {
  let transport = sessions.get(request.headers['mcp-session-id']);
  if (transport === undefined) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    await counter().connect(transport);
  }
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.argv[2]), '127.0.0.1');
