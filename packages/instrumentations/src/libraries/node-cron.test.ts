import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { context, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { type MockedClock, mockClock, turn } from './mocked-clock.test.support.ts';
import { NodeCronInstrumentation } from './node-cron.ts';

type NodeCron = typeof import('node-cron');
type Task = import('node-cron').ScheduledTask;

const EVERY_SECOND = '* * * * * *';

/** Version 3, as far as it is hooked. */
const VERSION_3 = `
class Matcher { match(date) { return date.getSeconds() % 2 === 0; } }
class Scheduler { constructor() { this.timeMatcher = new Matcher(); this.autorecover = false; } start() {} }
class Task {
  constructor(func, options) { this.func = func; options.name = options.name || 'a-uuid'; this._scheduler = new Scheduler(); }
  now(now = 'manual') { return this.func(now); }
}
exports.schedule = (pattern, func, options = {}) => new Task(func, options);
`;

interface Task3 {
  now(now?: Date): unknown;
  readonly _scheduler: { start(): void; readonly timeMatcher: { match(date: Date): boolean } };
  readonly func: unknown;
}

describe('node-cron', () => {
  let recorded: RecordedRuns;
  let clock: MockedClock;
  let instrumentation: NodeCronInstrumentation;
  let folder: string;
  const tasks: Task[] = [];

  beforeEach(() => {
    recorded = recordRuns();
    clock = mockClock();
    instrumentation = new NodeCronInstrumentation();
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-node-cron-')));
  });

  afterEach(async () => {
    for (const task of tasks.splice(0)) {
      // The library gives a process five seconds to answer, which on a busy machine it may need; it ends all the same.
      await Promise.resolve(task.destroy()).catch((error: Error) => assert.match(error.message, /timed out/));
    }
    instrumentation.disable();
    clock.stop();
    recorded.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const load = (): NodeCron => createRequire(import.meta.url)('node-cron') as NodeCron;

  /** The library's own lines are none of ours. */
  const logger = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

  function start(handler: unknown, options: object = {}, pattern = EVERY_SECOND): Task {
    const task = load().schedule(pattern, handler as never, { logger, ...options } as never);
    tasks.push(task);
    return task;
  }

  const missed = (): string[] => [...new Set(recorded.missed())];

  describe('4', () => {
    it('makes every tick a run, with its slot, its id and its schedule', async () => {
      let given: { execution?: { id?: string } } | undefined;
      start(
        async function report(one: typeof given) {
          given = one;
        },
        {},
        '*/2 * * * * *',
      );
      await clock.pass(2000);
      const run = recorded.run();
      const { 'task.library': library, 'task.trigger': trigger, 'task.schedule': schedule } = run.attributes;
      assert.deepEqual(
        [run.operation, run.status, library, trigger, schedule],
        ['report', 'success', 'node-cron', 'schedule', '*/2 * * * * *'],
      );
      assert.deepEqual(
        [run.attributes['task.scheduled_at'], run.attributes['task.job.id']],
        [clock.beginning / 1000 + 2, given?.execution?.id],
      );
      assert.deepEqual(recorded.warnings, []);
    });

    it('hooks both functions in each of the places where they are', async () => {
      const cron = load();
      const { default: byDefault, nodeCron } = cron as unknown as Record<'default' | 'nodeCron', NodeCron>;
      for (const place of [cron, byDefault, nodeCron]) {
        tasks.push(place.schedule(EVERY_SECOND, () => {}, { name: 'scheduled' }));
        const task = place.createTask(EVERY_SECOND, () => {}, { name: 'created' });
        tasks.push(task);
        task.start();
      }
      await clock.pass(1000);
      assert.deepEqual(
        recorded
          .runs()
          .map((run) => run.operation)
          .sort(),
        ['created', 'created', 'created', 'scheduled', 'scheduled', 'scheduled'],
      );
    });

    it('fails with what the library catches, and begins at the root', async () => {
      const error = new RangeError('x');
      const request = trace.getTracer('app').startSpan('request');
      context.with(trace.setSpan(context.active(), request), () =>
        start(async () => {
          throw error;
        }),
      );
      request.end();
      await clock.pass(1000);
      const run = recorded.run();
      assert.deepEqual(
        [run.operation, run.status, run.errorType, run.span.parentSpanContext],
        [EVERY_SECOND, 'failure', 'RangeError', undefined],
      );
    });

    it('tells a run by hand from one by the clock', async () => {
      const task = start(() => 7, { name: 'byHand' }, '0 0 * * *');
      assert.equal(await task.execute(), 7);
      const { attributes } = recorded.run();
      assert.deepEqual([attributes['task.trigger'], attributes['task.scheduled_at']], ['manual', undefined]);
    });

    it('counts an overlap that is prevented, not one that is allowed', async () => {
      const wait = (): Promise<void> => new Promise(() => {});
      start(wait, { name: 'prevented', noOverlap: true });
      start(wait, { name: 'allowed' });
      await clock.pass(2000);
      assert.deepEqual(recorded.missed(), ['prevented overlap']);
    });

    it('counts missed slots, and listens to nothing: the library warns of them as ever', async () => {
      const warnings: string[] = [];
      const task = start(() => {}, {
        name: 'blocked',
        logger: { ...logger, warn: (line: string) => warnings.push(line) },
      });
      const { emitter } = task as unknown as { emitter: { listenerCount(event: string): number } };
      assert.equal(emitter.listenerCount('execution:missed'), 0);
      await clock.pass(1000);
      clock.block(4000);
      await clock.pass(1000);
      assert.deepEqual(missed(), ['blocked missed']);
      assert.equal(warnings.length, recorded.missed().length);
    });

    it('counts what another instance was elected for', async () => {
      start(() => {}, { name: 'elected', distributed: true, runCoordinator: { shouldRun: async () => false } });
      await clock.pass(1000);
      assert.deepEqual([recorded.missed(), recorded.runs()], [['elected skipped'], []]);
    });

    it('finds a file from where it was named, and makes what its process does runs', async () => {
      clock.stop();
      mkdirSync(join(folder, 'tasks'));
      writeFileSync(
        join(folder, 'tasks', 'work.mjs'),
        `let count = 0; export const task = () => { if ((count += 1) === 2) throw new TypeError('second'); return 7; };`,
      );
      const app = join(folder, 'app.mjs');
      writeFileSync(
        app,
        `export const start = (cron, options) => cron.schedule('0 0 * * *', './tasks/work.mjs', options);`,
      );
      const { start: startIn } = (await import(pathToFileURL(app).href)) as {
        start(cron: NodeCron, options: object): Task;
      };
      const task = startIn(load(), { name: 'background', logger });
      tasks.push(task);
      await task.start();
      assert.equal(await task.execute(), 7);
      await assert.rejects(task.execute(), TypeError);
      await turn();
      assert.deepEqual(
        recorded.runs().map((run) => [run.operation, run.status, run.errorType, run.attributes['task.trigger']]),
        [
          ['background', 'success', undefined, 'manual'],
          ['background', 'failure', 'TypeError', 'manual'],
        ],
      );
    });

    it('leaves registered handlers alone once it is off', async () => {
      const { schedule } = load();
      start(() => {}, { name: 'seen' });
      instrumentation.disable();
      assert.notEqual(load().schedule, schedule);
      await clock.pass(1000);
      assert.deepEqual(recorded.runs(), []);
    });
  });

  describe('3', () => {
    function load3(version = '3.0.3'): { schedule(pattern: string, func: unknown, options?: object): Task3 } {
      const target = join(folder, 'node_modules', 'node-cron');
      mkdirSync(target, { recursive: true });
      writeFileSync(join(target, 'package.json'), JSON.stringify({ name: 'node-cron', version }));
      writeFileSync(join(target, 'index.js'), VERSION_3);
      return createRequire(join(folder, 'app.cjs'))('node-cron') as ReturnType<typeof load3>;
    }

    it('takes the slot from what the handler gets, also in a time zone', async () => {
      const { schedule } = load3();
      const handler = function report(): void {};
      const task = schedule('*/2 * * * * *', handler);
      task.now(new Date(clock.beginning + 2000));
      task.now();
      const zoned = schedule('*/2 * * * * *', handler, { timezone: 'Asia/Kolkata' });
      zoned.now(new Date(clock.beginning + 5.5 * 3_600_000));
      assert.deepEqual(
        recorded
          .runs()
          .map((run) => [run.operation, run.attributes['task.trigger'], run.attributes['task.scheduled_at']]),
        [
          ['report', 'schedule', clock.beginning / 1000 + 2],
          ['report', 'manual', undefined],
          ['report', 'schedule', clock.beginning / 1000],
        ],
      );
    });

    it('reads a name before the library writes one, and hands on the caller’s own options', () => {
      const options = {};
      load3()
        .schedule(EVERY_SECOND, () => {}, options)
        .now();
      assert.deepEqual(options, { name: 'a-uuid' });
      assert.equal(recorded.run().operation, EVERY_SECOND);
    });

    it('counts seconds that nobody looked at, not those while it was stopped', () => {
      const { _scheduler: scheduler } = load3().schedule(EVERY_SECOND, () => {}, { name: 'blocked' });
      const look = (second: number): boolean =>
        scheduler.timeMatcher.match(new Date(clock.beginning + second * 1000 + 3));
      assert.deepEqual([look(0), look(1), look(6), look(7)], [true, false, true, false]);
      assert.deepEqual(recorded.missed(), ['blocked missed', 'blocked missed']);
      scheduler.start();
      look(20);
      assert.equal(recorded.missed().length, 2);
    });

    it('leaves the path of a file as it is', () => {
      assert.equal(load3().schedule(EVERY_SECOND, './task.js').func, './task.js');
    });

    it('has in version 2 the second in which it runs', () => {
      const task = load3('2.0.3').schedule(EVERY_SECOND, function tick() {});
      (task as unknown as { func(): void }).func();
      assert.equal(recorded.run().attributes['task.scheduled_at'], clock.beginning / 1000);
    });
  });
});
