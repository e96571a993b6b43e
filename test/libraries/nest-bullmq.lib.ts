import assert from 'node:assert/strict';
import { emptyRedis } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike } from './scenario.ts';

/** A processor and who sends to it, with decorators as a compiler writes them. */
const BULLMQ = `
const connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1)), maxRetriesPerRequest: null };
class Mails extends nest.WorkerHost {
  async process(job) {
    console.log('sent to', job.data.to);
    return 1;
  }
}
nest.Processor('mail')(Mails);
const modules = [nest.BullModule.forRoot({ connection }), nest.BullModule.registerQueue({ name: 'mail' })];
`;

const BULL = `
const redis = { host: hostname, port: Number(port), db: Number(pathname.slice(1)) };
class Mails {
  async send(job) {
    console.log('sent to', job.data.to);
    return 1;
  }
}
nest.Process('welcome')(Mails.prototype, 'send', Object.getOwnPropertyDescriptor(Mails.prototype, 'send'));
nest.Processor('mail')(Mails);
const modules = [nest.BullModule.forRoot({ redis }), nest.BullModule.registerQueue({ name: 'mail' })];
`;

const MAIN = `
class App {}
Module({ imports: modules, providers: [Mails] })(App);
const app = await NestFactory.createApplicationContext(App, { logger: false });
const queue = app.get(nest.getQueueToken('mail'));
const source = process.env.EVENTS ? app.get(Mails).worker : queue;
const done = new Promise((resolve) => source.once('completed', resolve));
await queue.add('welcome', { to: 'ada' }, { jobId: 'one' });
await done;
await app.close();
await queue.close();
`;

const URL_PARTS = 'const { hostname, port, pathname } = new URL(process.env.REDIS_URL);';

const ESM = (name: string): string => `import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as nest from '${name}';
${URL_PARTS}`;

const CJS = (name: string): string => `require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const nest = require('${name}');
${URL_PARTS}`;

describe('nest-bullmq', () => {
  for (const [name, body, env, system] of [
    ['@nestjs/bullmq', BULLMQ, { EVENTS: 'worker' }, 'bullmq'],
    ['@nestjs/bull', BULL, {}, 'bull'],
  ] as const) {
    for (const { lane, title } of lanesOf(name)) {
      for (const main of mainsOf(lane)) {
        it(`${title}, ${main}: a processor's jobs are runs, linked to who sent them`, async () => {
          const { runs, producers } = await runAlike({
            lane,
            files: {
              'app.mjs': ESM(name) + body + MAIN,
              'app.cjs': `${CJS(name)}(async () => {${body}${MAIN}})();`,
            },
            main,
            env: { ...env, TASKSPAN_CONSOLE: 'on' },
            freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
          });
          const [run, ...others] = runs;
          assert.deepEqual(others, []);
          assert.ok(run !== undefined);
          assert.equal(`${run.operation} ${run.taskId} ${run.status}`, 'welcome mail.one.1 success');
          assert.equal(run.attributes['messaging.system'], system);
          assert.deepEqual(
            run.links.map(({ spanId }) => spanId),
            producers.map(({ spanId }) => spanId),
          );
          assert.deepEqual(
            run.logLines.map((line) => line.body),
            ['sent to ada'],
          );
        });
      }
    }
  }
});
