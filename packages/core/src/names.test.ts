import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ATTR, ATTRIBUTES, EVENT, EVENTS, METRIC_LABEL_PREFIX, SCOPE, SEVERITY, SUBMISSION_FIELDS } from './names.ts';

describe('the tables of names', () => {
  it('explain every attribute and every event, and no other', () => {
    assert.deepEqual(Object.keys(ATTRIBUTES).sort(), Object.values(ATTR).sort());
    assert.deepEqual(Object.keys(EVENTS).sort(), Object.values(EVENT).sort());
    for (const { meaning } of Object.values(ATTRIBUTES)) assert.notEqual(meaning, '');
    for (const meaning of Object.values(EVENTS)) assert.notEqual(meaning, '');
  });

  it('hold each name once, in lower case with dots and underscores', () => {
    for (const names of [Object.values(ATTR), Object.values(EVENT)]) {
      assert.equal(new Set<string>(names).size, names.length);
      for (const name of names) assert.match(name, /^[a-z]+([._][a-z]+)*$/);
    }
  });

  it('submission fields are attributes', () => {
    for (const field of SUBMISSION_FIELDS) assert.ok(field in ATTRIBUTES);
  });

  it('follow OpenTelemetry for severities and scope', () => {
    assert.deepEqual(SEVERITY, { debug: 5, info: 9, warn: 13, error: 17 });
    assert.equal(SCOPE.name, 'taskspan');
    assert.match(SCOPE.version, /^\d+\.\d+\.\d+$/);
    assert.match(SCOPE.schemaUrl, /^https:\/\/opentelemetry\.io\/schemas\/\d+\.\d+\.\d+$/);
    assert.equal(METRIC_LABEL_PREFIX, 'metric.label.');
  });
});
