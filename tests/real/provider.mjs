// SMART sign-in by oidc-provider, a certified OpenID Provider, on 127.0.0.1: node provider.mjs [WORD...]
// It prints its issuer. Each line of its input is a FHIR base that it then issues tokens for; it
// ends with its input. Whoever signs in is the patient of that id, with any password. After a POST
// to /move it signs with another key, and people and programs sign in at other addresses.
// WORDS: `strict-offline` = refresh tokens only after prompt=consent, as OIDC Core 11 has it;
// `pushed` = sign-ins must be pushed first (RFC 9126); `weak` = it identifies nobody better than
// `basic`; `elsewhere` = its tokens are for another host than the one that was asked for;
// `jwks=FILE` = it also knows the clients `by-basic` and `by-post`, whose secret is `SECRET`, `by-key`,
// which signs with a key of the file, and `narrow`, which may ask for nothing but `openid`.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';
import Provider, { errors } from 'oidc-provider';

const words = new Set(process.argv.slice(2));
const jwksFile = process.argv.slice(2).find((word) => word.startsWith('jwks='))?.slice('jwks='.length);
const SECRET = 'open sesame & +more: %41';
const bases = new Set();
const TYPES = ['Patient', 'RelatedPerson', 'Practitioner', 'PractitionerRole', 'Organization', 'Location',
  'HealthcareService', 'ChargeItemDefinition', 'Schedule', 'Slot', 'Appointment', 'AppointmentResponse',
  'Communication', 'DocumentReference', 'Binary', 'MedicationRequest', 'Medication', 'MedicationDispense',
  'Task', 'Immunization', 'Consent'];
const LETTERS = ['r', 'rs', 'crus', 'cruds'];
const PATIENT_SCOPES = TYPES.flatMap((type) => LETTERS.map((letters) => `patient/${type}.${letters}`));
const SMART_SCOPES = ['launch/patient', ...PATIENT_SCOPES];
const LIFETIME = 300; // of an access token, in seconds
const COOKIES = [crypto.randomBytes(32).toString('hex')];
const MOVED = { authorization: '/moved/auth', token: '/moved/token', device_authorization: '/moved/device' };

const server = http.createServer();
server.listen(0, '127.0.0.1', () => serve(`http://127.0.0.1:${server.address().port}`));

function serve(issuer) {
  answerAs(issuer);
  console.log(issuer);
  readline.createInterface({ input: process.stdin }).on('line', (base) => bases.add(base)).on('close', () => process.exit(0));
}

function answerAs(issuer, routes = {}) { // what it has issued so far stays good
  const provider = new Provider(issuer, configuration(routes));
  provider.use(nameThePatient);
  nameTheLevel(provider.Session.prototype);
  const answer = provider.callback();
  server.removeAllListeners('request').on('request', (request, response) =>
    request.method === 'POST' && request.url === '/move' ? move(issuer, response) : answer(request, response));
}

function nameTheLevel(session) { // which the development pages know nothing of
  const { loginAccount } = session;
  const acr = words.has('weak') ? 'basic' : 'high';
  session.loginAccount = function withLevel(details) { return loginAccount.call(this, { ...details, acr }); };
}

function move(issuer, response) {
  answerAs(issuer, MOVED);
  response.writeHead(204).end();
}

function configuration(routes) {
  return {
    routes,
    jwks: { keys: [signingKey()] },
    cookies: { keys: COOKIES },
    clients: [client(), ...confidentialClients()],
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'] },
    scopes: ['openid', 'offline_access', 'fhirUser', ...SMART_SCOPES],
    claims: { openid: ['sub'], fhirUser: ['fhirUser'] },
    conformIdTokenClaims: false,
    acrValues: ['basic', 'high'],
    findAccount: (context, sub) => ({ accountId: sub, claims: () => ({ sub, fhirUser: userOf(context, sub) }) }),
    extraParams: ['aud'], // SMART names the audience `aud`, RFC 8707 `resource`
    extraTokenClaims: (context, token) => token.accountId && { patient: token.accountId },
    issueRefreshToken: (context, client_, code) => code.scopes.has('offline_access') || !words.has('strict-offline'),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: words.has('pushed') },
      resourceIndicators: {
        enabled: true,
        defaultResource: (context) => context.oidc.params?.aud ?? [...bases][0],
        useGrantedResource: () => true,
        getResourceServerInfo,
      },
    },
    ttl: { AccessToken: LIFETIME, AuthorizationCode: 60, DeviceCode: 600, Grant: 86400, IdToken: 300,
      Interaction: 600, RefreshToken: 86400, Session: 3600 },
  };
}

function signingKey() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: crypto.randomUUID(), use: 'sig', alg: 'RS256' };
}

function client() {
  return {
    client_id: 'gpcli',
    application_type: 'native', // any port of a loopback redirect matches (RFC 8252 7.3)
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
  };
}

function confidentialClients() {
  if (!jwksFile) return [];
  const secret = { ...client(), client_secret: SECRET };
  return [
    { ...secret, client_id: 'by-basic', token_endpoint_auth_method: 'client_secret_basic' },
    { ...secret, client_id: 'by-post', token_endpoint_auth_method: 'client_secret_post' },
    {
      ...client(),
      client_id: 'by-key',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: JSON.parse(fs.readFileSync(jwksFile, 'utf8')),
    },
    { ...client(), client_id: 'narrow', scope: 'openid' },
  ];
}

function getResourceServerInfo(context, resource) {
  if (!bases.has(resource)) throw new errors.InvalidTarget('unknown audience');
  const audience = words.has('elsewhere') ? 'http://127.0.0.1:9/fhir' : resource;
  return { scope: SMART_SCOPES.join(' '), audience, accessTokenFormat: 'jwt', accessTokenTTL: LIFETIME };
}

function userOf(context, sub) {
  const { AuthorizationCode, DeviceCode, RefreshToken } = context.oidc.entities;
  const granted = AuthorizationCode ?? DeviceCode ?? RefreshToken;
  return `${granted?.resource ?? context.oidc.params?.aud ?? ''}/Patient/${sub}`;
}

async function nameThePatient(context, next) { // in the token response (SMART App Launch 2.2)
  await next();
  if (context.oidc?.route !== 'token' || context.status !== 200) return;
  const { Account } = context.oidc.entities;
  if (Account && (context.body.scope ?? '').split(' ').includes('launch/patient')) context.body.patient = Account.accountId;
}
