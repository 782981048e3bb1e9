// The check of a token in nginx (njs): RS256 signature, end and issuer; 204 for a good one, else 401.

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

function part(text) {
  return JSON.parse(Buffer.from(text, 'base64url').toString());
}

async function good(request) {
  const given = request.headersIn['Authorization'] || '';
  const parts = given.replace('Bearer ', '').split('.');
  if (parts.length !== 3 || part(parts[0]).alg !== 'RS256') return false;
  const spki = Buffer.from(request.variables.jwt_key, 'base64');
  const key = await crypto.subtle.importKey('spki', spki, RS256, false, ['verify']);
  const signature = Buffer.from(parts[2], 'base64url');
  const signed = await crypto.subtle.verify(RS256, key, signature, `${parts[0]}.${parts[1]}`);
  const claims = part(parts[1]);
  return signed && claims.exp > Date.now() / 1000 && claims.iss === request.variables.jwt_issuer;
}

async function token(request) {
  let passes = false;
  try {
    passes = await good(request);
  } catch (e) {
    passes = false;
  }
  request.return(passes ? 204 : 401);
}

export default { token };
