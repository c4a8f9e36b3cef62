// The gateway of a FHIR server that knows no patients: node gateway.mjs ISSUER [bare]
// It prints the FHIR base that clients are to use. The first line of its input is the base of the
// server behind it; it ends with its input. Requests pass with an access token of ISSUER for
// this base; what the server can do, and where to sign in, is told to anybody. Behind a `bare` gateway
// there are no batches, transactions, conditional creates or ETags. After a POST to /spend/N the
// token that comes with the next but N request is refused, from then on. A gateway for `machines`
// takes tokens that name no patient. One that is `confidential` says that clients need a secret or a
// key.
import http from 'node:http';
import readline from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, ...words] = process.argv.slice(2);
const bare = words.includes('bare');
const requiredClaims = words.includes('machines') ? ['scope'] : ['patient'];
const keys = createRemoteJWKSet(new URL('/jwks', issuer), { cooldownDuration: 0 });
const CLIENTS = words.includes('confidential') ? ['client-confidential-symmetric', 'client-confidential-asymmetric'] : ['client-public'];
const CAPABILITIES = ['launch-standalone', ...CLIENTS, 'context-standalone-patient',
  'permission-patient', 'permission-offline', 'permission-v2', 'sso-openid-connect'];
const spent = new Set();
let base;
let behind;
let left = Infinity; // requests until a token is spent

const server = http.createServer((request, response) =>
  answer(request, response).catch((trouble) => refuse(response, 502, 'exception', trouble.message)));
server.listen(0, '127.0.0.1', () => {
  base = `http://127.0.0.1:${server.address().port}/fhir`;
  console.log(base);
  readline.createInterface({ input: process.stdin })
    .on('line', (line) => { behind = new URL(line); })
    .on('close', () => process.exit(0));
});

async function answer(request, response) {
  if (request.method === 'POST' && request.url.startsWith('/spend/')) return spend(request, response);
  const path = request.url.slice('/fhir'.length).split('?')[0];
  if (path === '/.well-known/smart-configuration') return tellWhereToSignIn(response);
  if (path === '/metadata') return bare ? tellLess(response) : passOn(request, response);
  const problem = await problemWith(request.headers.authorization ?? '');
  if (problem) return refuse(response, 401, 'login', problem);
  if (bare && request.method === 'POST' && ['', '/'].includes(path)) return refuse(response, 405, 'not-supported', 'No bundles.');
  return passOn(request, response);
}

function spend(request, response) {
  left = Number(request.url.slice('/spend/'.length));
  response.writeHead(204).end();
}

async function tellLess(response) {
  const statement = await (await fetch(`${behind}/metadata`)).json();
  for (const rest of statement.rest) {
    delete rest.interaction;
    for (const resource of rest.resource) Object.assign(resource, { conditionalCreate: false, versioning: 'no-version' });
  }
  response.writeHead(200, { 'content-type': 'application/fhir+json' });
  response.end(JSON.stringify(statement));
}

async function tellWhereToSignIn(response) {
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  response.writeHead(200, { 'content-type': 'application/json' });
  const methods = metadata.token_endpoint_auth_methods_supported.filter((method) => method !== 'none' || CLIENTS.includes('client-public'));
  response.end(JSON.stringify({ ...metadata, capabilities: CAPABILITIES, token_endpoint_auth_methods_supported: methods }));
}

async function problemWith(authorization) {
  const [scheme, token] = authorization.split(' ');
  if (scheme !== 'Bearer') return 'A token is needed.';
  if (left-- === 0) spent.add(token);
  if (spent.has(token)) return 'The token has been spent.';
  try {
    await jwtVerify(token, keys, { issuer, audience: base, typ: 'at+jwt', requiredClaims });
    return null;
  } catch (trouble) {
    return trouble.message;
  }
}

function refuse(response, status, code, text) {
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, details: { text } }] };
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
  response.writeHead(status, { 'content-type': 'application/fhir+json', ...challenge });
  response.end(JSON.stringify(outcome));
}

function passOn(request, response) {
  const { authorization, host, ...headers } = request.headers;
  if (bare) delete headers['if-none-exist'];
  const { hostname, port } = behind;
  return new Promise((resolve, reject) => {
    const passed = http.request({ hostname, port, method: request.method, path: request.url, headers }, (given) => {
      if (bare) delete given.headers.etag;
      response.writeHead(given.statusCode, given.headers);
      given.pipe(response).on('finish', resolve);
    });
    passed.on('error', reject);
    request.pipe(passed);
  });
}
