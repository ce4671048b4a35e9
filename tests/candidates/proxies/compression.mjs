// npm's `compression` in front of another server: node compression.mjs PORT UPSTREAM_PORT
import http from 'node:http';
import { createRequire } from 'node:module';

const compression = createRequire(import.meta.url)('../../peers/node_modules/compression');
const [port, upstream] = process.argv.slice(2).map(Number);
const compress = compression({ threshold: 0 });

http.createServer((request, response) => compress(request, response, () => {
  const { method, url: path, headers } = request;
  const asked = http.request({ port: upstream, host: '127.0.0.1', method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.on('data', (data) => response.write(data));
    answer.on('end', () => response.end());
    answer.on('error', () => response.destroy());
  });
  asked.on('error', () => response.destroy());
  response.on('close', () => asked.destroy());
  request.pipe(asked);
})).listen(port, '127.0.0.1');
