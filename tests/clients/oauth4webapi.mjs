// An application that uses the npm package oauth4webapi: every request is made and every answer
// judged by it. Only http on loopback is allowed, with the package's own switch.
import * as oauth from 'oauth4webapi'
import { imported, serve } from './lines.mjs'

const AUTHENTICATION = {
  client_secret_basic: ({ client_secret }) => oauth.ClientSecretBasic(client_secret),
  client_secret_post: ({ client_secret }) => oauth.ClientSecretPost(client_secret),
  private_key_jwt: async ({ key }) => oauth.PrivateKeyJwt(await imported(key)),
  none: () => oauth.None(),
}
const http = { [oauth.allowInsecureRequests]: true }
let as, client, authentication, application, pending, device

async function parameters(more) {
  pending = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  }
  return new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: application.redirect_uri,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    state: pending.state,
    nonce: pending.nonce,
    max_age: '3600',
    ...more,
  })
}

function address(given) {
  const url = new URL(as.authorization_endpoint)
  url.search = given.toString()
  return url.href
}

// The signature of the id_token besides its claims, which the package leaves to a call of its own.
async function verified(response, tokens) {
  if (tokens.id_token) await oauth.validateApplicationLevelSignature(as, response, http)
  return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) }
}

await serve({
  async discover(given) {
    application = given
    client = { client_id: given.client_id }
    authentication = await AUTHENTICATION[given.method](given)
    const issuer = new URL(given.issuer)
    for (const algorithm of ['oidc', 'oauth2']) {
      const response = await oauth.discoveryRequest(issuer, { ...http, algorithm })
      as = await oauth.processDiscoveryResponse(issuer, response)
    }
    return as
  },
  async begin({ scope }) {
    return address(await parameters({ scope }))
  },
  async push({ scope }) {
    const response = await oauth.pushedAuthorizationRequest(
      as, client, authentication, await parameters({ scope }), http,
    )
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
    return address(new URLSearchParams({ client_id: client.client_id, request_uri }))
  },
  async finish({ callback }) {
    const given = oauth.validateAuthResponse(as, client, new URL(callback), pending.state)
    const response = await oauth.authorizationCodeGrantRequest(
      as, client, authentication, given, application.redirect_uri, pending.verifier, http,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: pending.nonce, maxAge: 3600, requireIdToken: true,
    })
    return verified(response, tokens)
  },
  async refresh({ refresh_token }) {
    const response = await oauth.refreshTokenGrantRequest(
      as, client, authentication, refresh_token, http,
    )
    return verified(response, await oauth.processRefreshTokenResponse(as, client, response))
  },
  async client_credentials() {
    const response = await oauth.clientCredentialsGrantRequest(
      as, client, authentication, {}, http,
    )
    return oauth.processClientCredentialsResponse(as, client, response)
  },
  async device({ scope }) {
    const response = await oauth.deviceAuthorizationRequest(
      as, client, authentication, { scope }, http,
    )
    device = await oauth.processDeviceAuthorizationResponse(as, client, response)
    return device
  },
  async poll() {
    for (;;) {
      const response = await oauth.deviceCodeGrantRequest(
        as, client, authentication, device.device_code, http,
      )
      try {
        return await verified(response, await oauth.processDeviceCodeResponse(as, client, response))
      } catch (error) {
        if (error.error !== 'authorization_pending') throw error
        await new Promise((go) => setTimeout(go, device.interval * 1000))
      }
    }
  },
  async introspect({ token }) {
    const response = await oauth.introspectionRequest(as, client, authentication, token, http)
    return oauth.processIntrospectionResponse(as, client, response)
  },
  async revoke({ token }) {
    const response = await oauth.revocationRequest(as, client, authentication, token, http)
    return oauth.processRevocationResponse(response)
  },
  async userinfo({ access_token, subject }) {
    const response = await oauth.userInfoRequest(as, client, access_token, http)
    return oauth.processUserInfoResponse(as, client, subject, response)
  },
  // What an API behind this server would ask, by RFC 9068.
  async verify_access_token({ token, audience }) {
    const request = new Request('https://api.example/', {
      headers: { Authorization: `Bearer ${token}` },
    })
    return oauth.validateJwtAccessToken(as, request, audience, {
      ...http, [oauth.clockTolerance]: 0, signingAlgorithms: ['RS256'],
    })
  },
})
