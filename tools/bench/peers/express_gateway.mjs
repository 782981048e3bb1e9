// express-gateway with its jwt and proxy policies; its own storage in memory.
// Argument 1 is {port, backend, issuer, pem, folder} as JSON; the folder is this process's own.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const task = JSON.parse(process.argv[2]);
const gateway = {
  http: { hostname: '127.0.0.1', port: task.port },
  apiEndpoints: { all: { host: '*', paths: '/*' } },
  serviceEndpoints: { backend: { url: `http://127.0.0.1:${task.backend}` } },
  policies: ['jwt', 'proxy'],
  pipelines: {
    all: {
      apiEndpoints: ['all'],
      policies: [
        {
          jwt: {
            action: {
              secretOrPublicKeyFile: task.pem,
              checkCredentialExistence: false,
              algorithms: ['RS256'],
              issuer: task.issuer,
            },
          },
        },
        { proxy: { action: { serviceEndpoint: 'backend', changeOrigin: true } } },
      ],
    },
  },
};
const system = {
  db: { redis: { emulate: true, namespace: 'EG' } },
  crypto: { cipherKey: 'of-this-run-only', algorithm: 'aes256', saltRounds: 10 },
  session: { secret: 'of-this-run-only', resave: false, saveUninitialized: false },
  accessTokens: { timeToExpiry: 7200000 },
  refreshTokens: { timeToExpiry: 7200000 },
  authorizationCodes: { timeToExpiry: 300000 },
};
// YAML has JSON in it.
writeFileSync(join(task.folder, 'gateway.config.yml'), JSON.stringify(gateway));
writeFileSync(join(task.folder, 'system.config.yml'), JSON.stringify(system));
createRequire(import.meta.url)('express-gateway')().load(task.folder).run();
