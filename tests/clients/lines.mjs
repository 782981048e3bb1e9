// Actions by name, asked for and answered as one line of JSON each: how the tests speak to a client
// that is written in JavaScript.
import { createInterface } from 'node:readline'

export async function serve(actions) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { action, ...given } = JSON.parse(line)
    let answer
    try {
      answer = { ok: (await actions[action](given)) ?? null }
    } catch (error) {
      // What the server said is in `error`, what the library thinks in `code`; either may be in the
      // cause of what was thrown.
      const cause = error.cause instanceof Error ? error.cause : error
      answer = {
        code: error.error ?? cause.error ?? cause.code ?? error.code ?? error.name,
        text: `${error.stack} ${cause === error ? '' : cause.stack} ${JSON.stringify(error.cause)}`,
      }
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
}

// An EC key of the application, for private_key_jwt.
export async function imported({ kid, ...jwk }) {
  const key = await crypto.subtle.importKey(
    'jwk', jwk, { name: 'ECDSA', namedCurve: jwk.crv }, false, ['sign'],
  )
  return { key, kid }
}
