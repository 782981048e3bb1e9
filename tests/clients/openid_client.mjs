// An application that uses the npm package openid-client, all checks that it offers switched on.
// Only http on loopback is allowed, with the package's own switch.
import * as client from 'openid-client'
import { imported, serve } from './lines.mjs'

const AUTHENTICATION = {
  client_secret_basic: ({ client_secret }) => client.ClientSecretBasic(client_secret),
  client_secret_post: ({ client_secret }) => client.ClientSecretPost(client_secret),
  private_key_jwt: async ({ key }) => client.PrivateKeyJwt(await imported(key)),
  none: () => client.None(),
}
const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
let config, application, checks, device

async function parameters(more) {
  const verifier = client.randomPKCECodeVerifier()
  checks = {
    pkceCodeVerifier: verifier,
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    maxAge: 3600,
    idTokenExpected: true,
  }
  return {
    redirect_uri: application.redirect_uri,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    max_age: '3600',
    ...more,
  }
}

await serve({
  async discover(given) {
    application = given
    const authentication = await AUTHENTICATION[given.method](given)
    const metadata = { use_mtls_endpoint_aliases: false }
    config = await client.discovery(
      new URL(given.issuer), given.client_id, metadata, authentication, { execute },
    )
    // The same server by RFC 8414's transformation of the issuer.
    const other = await client.discovery(
      new URL(given.issuer), given.client_id, metadata, authentication,
      { execute, algorithm: 'oauth2' },
    )
    if (JSON.stringify(other.serverMetadata()) !== JSON.stringify(config.serverMetadata())) {
      throw new Error('the two documents differ')
    }
    if (!config.serverMetadata().supportsPKCE()) throw new Error('PKCE is not announced')
    return config.serverMetadata()
  },
  async register({ issuer, token, metadata }) {
    const made = await client.dynamicClientRegistration(
      new URL(issuer), metadata, undefined, { execute, initialAccessToken: token },
    )
    return made.clientMetadata()
  },
  async begin({ scope }) {
    return client.buildAuthorizationUrl(config, await parameters({ scope })).href
  },
  async push({ scope }) {
    return (await client.buildAuthorizationUrlWithPAR(config, await parameters({ scope }))).href
  },
  async finish({ callback }) {
    const tokens = await client.authorizationCodeGrant(config, new URL(callback), checks)
    return { ...tokens, claims: tokens.claims() }
  },
  refresh: ({ refresh_token }) => client.refreshTokenGrant(config, refresh_token),
  client_credentials: () => client.clientCredentialsGrant(config),
  async device({ scope }) {
    device = await client.initiateDeviceAuthorization(config, { scope })
    return device
  },
  async poll() {
    const tokens = await client.pollDeviceAuthorizationGrant(config, device)
    return { ...tokens, claims: tokens.claims() }
  },
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  revoke: ({ token }) => client.tokenRevocation(config, token),
  userinfo: ({ access_token, subject }) => client.fetchUserInfo(config, access_token, subject),
  leave: ({ id_token, redirect_uri, state }) =>
    client.buildEndSessionUrl(config, {
      id_token_hint: id_token, post_logout_redirect_uri: redirect_uri, state,
    }).href,
})
