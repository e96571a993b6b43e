import assert from 'node:assert/strict';
import { clearReports, state } from '@taskspan/core/hub';
import { knownOperations, type Operations } from './operations.ts';

describe('knownOperations', () => {
  const warnings: string[] = [];
  beforeEach(() => {
    clearReports();
    warnings.length = 0;
    state.warn = (message) => warnings.push(message);
  });
  afterEach(() => {
    state.warn = undefined;
  });

  it('takes functions by the name of the library or of its package, with a parameter of its type', () => {
    const byName = (job: { name: string }): string => job.name;
    const byPackage = (): string => 'nest';
    const known = knownOperations({ bullmq: byName, '@nestjs/schedule': byPackage });
    assert.deepEqual(known, { bullmq: byName, 'nest-schedule': byPackage });
    assert.deepEqual(warnings, []);
  });

  it('reports names that no library has, once, with those that there are, and what is no function', () => {
    const wrong = { bulmq: () => 'x', cron: 'name' } as unknown as Operations;
    assert.deepEqual(knownOperations(wrong), {});
    knownOperations(wrong);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /^operations: no library is called "bulmq"; known are bullmq, .*worker-threads$/);
    assert.equal(warnings[1], 'operations: cron is no function; the usual names are used');
  });
});
