// The npm package jose: verifies tokens with the keys at a jwks_uri.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { serve } from './lines.mjs'

await serve({
  async verify({ token, jwks_uri, ...options }) {
    return (await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), options)).payload
  },
})
