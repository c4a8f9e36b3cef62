// Sign-in for machines by oidc-provider, a certified OpenID Provider, on 127.0.0.1:
// node machines.mjs JWKS-FILE
// It prints its issuer, and lets in the client `night-job`, which signs with a key of the file. The
// lines of its input are the FHIR bases that it then issues tokens for; it ends with its input.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';
import Provider, { errors } from 'oidc-provider';

const jwks = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const bases = new Set();
const SCOPES = ['Patient', 'RelatedPerson', 'Practitioner', 'PractitionerRole', 'Organization', 'Location',
  'HealthcareService', 'ChargeItemDefinition', 'Schedule', 'Slot', 'Appointment', 'AppointmentResponse',
  'Communication', 'DocumentReference', 'Binary', 'MedicationRequest', 'Medication', 'MedicationDispense',
  'Task', 'Immunization', 'Consent'].flatMap((type) => ['r', 'rs', 'crus'].map((letters) => `system/${type}.${letters}`));

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration()).callback());
  console.log(issuer);
  readline.createInterface({ input: process.stdin }).on('line', (base) => bases.add(base)).on('close', () => process.exit(0));
});

function configuration() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'contract', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [crypto.randomBytes(32).toString('hex')] },
    clients: [{
      client_id: 'night-job',
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      jwks,
    }],
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'] },
    scopes: SCOPES,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [...bases][0],
        getResourceServerInfo(context, resource) {
          if (!bases.has(resource)) throw new errors.InvalidTarget('unknown audience');
          return { scope: SCOPES.join(' '), audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300 };
        },
      },
    },
    ttl: { ClientCredentials: 300 },
  };
}
