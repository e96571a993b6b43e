import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { BullMQInstrumentation } from './bullmq.ts';
import { FakePackages } from './fake-package.test.support.ts';
import { NestBullMQInstrumentation } from './nest-bullmq.ts';

const BULLMQ = `
globalThis[Symbol.for('bullmq was loaded')] = true;
exports.Worker = class Worker { callProcessJob(job) { return job.id; } };
exports.Queue = class Queue { add() {} addBulk() {} };
exports.FlowProducer = class FlowProducer { add() {} addBulk() {} };
exports.Job = class Job { moveToFailed() {} asJSONSandbox() {} };
`;

const LOADED = Symbol.for('bullmq was loaded');

describe('NestBullMQInstrumentation', () => {
  const packages = new FakePackages();
  let recorded: RecordedRuns;
  let instrumentations: readonly (BullMQInstrumentation | NestBullMQInstrumentation)[] = [];

  before(() => {
    packages.install('bullmq', '6.7.0', { 'index.js': BULLMQ });
    // Asks for it only once a worker is made.
    packages.install('@nestjs/bullmq', '12.0.0', {
      'index.js': `exports.workerClass = () => require('bullmq').Worker;`,
    });
  });
  after(() => packages.remove());
  beforeEach(() => {
    recorded = recordRuns();
    instrumentations = [new BullMQInstrumentation(), new NestBullMQInstrumentation()];
  });
  afterEach(() => {
    for (const one of instrumentations) one.disable();
    recorded.stop();
  });

  it('has the library below loaded, and hooked, as soon as Nest is loaded', async () => {
    const { workerClass } = packages.require('@nestjs/bullmq') as {
      workerClass(): new () => { callProcessJob(job: object): Promise<unknown> };
    };
    assert.equal((globalThis as { [LOADED]?: boolean })[LOADED], true);
    const Worker = workerClass();
    new Worker().callProcessJob({ id: '1', name: 'send', queueName: 'mail', attemptsMade: 0, attemptsStarted: 1 });
    assert.equal(recorded.run().id, 'mail.1.1');
  });
});
