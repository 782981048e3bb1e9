// fastify with @fastify/jwt, which keeps the tokens it has verified, and @fastify/http-proxy.
// Argument 1 is {port, backend, issuer, pem} as JSON.

import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import jwt from '@fastify/jwt';
import proxy from '@fastify/http-proxy';

const task = JSON.parse(process.argv[2]);
const app = fastify({ logger: false, keepAliveTimeout: 60_000 });
await app.register(jwt, {
  secret: { public: readFileSync(task.pem, 'utf8') },
  verify: { algorithms: ['RS256'], allowedIss: task.issuer, cache: true },
});
await app.register(proxy, {
  upstream: `http://127.0.0.1:${task.backend}`,
  preHandler: (request) => request.jwtVerify(),
  replyOptions: {
    rewriteRequestHeaders: (_, { authorization, ...headers }) => headers,
  },
});
await app.listen({ host: '127.0.0.1', port: task.port });
