// npm's oidc-provider as the benchmark asks it: client credentials, RS256 JWTs, its own storage in memory.
// Run with Node.js; argument 1 is the folder of node_modules, argument 2 the task as JSON (see `sides.py`).

import { createServer } from 'node:http';
import { createPrivateKey } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [modules, text] = process.argv.slice(2);
const task = JSON.parse(text);
const { default: Provider } = await import(pathToFileURL(join(modules, 'oidc-provider/lib/index.js')));

const jwk = { ...createPrivateKey(task.private).export({ format: 'jwk' }), kid: task.kid, alg: 'RS256', use: 'sig' };
const provider = new Provider(task.issuer, {
  clients: [
    {
      client_id: task.client_id,
      client_secret: task.client_secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  jwks: { keys: [jwk] },
  routes: { token: '/oauth2/token' },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    // What makes its access tokens JWTs.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => task.issuer,
      getResourceServerInfo: () => ({ scope: 'default', accessTokenFormat: 'jwt', accessTokenTTL: 3600 }),
    },
  },
  ttl: { ClientCredentials: 3600 },
});

const server = createServer(provider.callback());
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
// One line in, the processor seconds so far out; it ends with its input.
const asked = createInterface({ input: process.stdin });
asked.on('line', () => {
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1e6);
});
asked.on('close', () => process.exit(0));
