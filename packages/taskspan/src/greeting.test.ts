import assert from 'node:assert/strict';
import { runTask } from '@taskspan/core';
import { readDeliveryConfig } from '@taskspan/delivery/config';
import { describe, it } from 'mocha';
import { type GreetingOptions, greet } from './greeting.ts';

const URL = 'http://127.0.0.1:9464/metrics';

/** A terminal that keeps what it is shown, and tells of it. */
class Terminal {
  readonly lines: string[] = [];
  #next: (() => void) | undefined;

  write(text: string): void {
    this.lines.push(text);
    this.#next?.();
  }

  /** Resolves when so many lines were written. */
  async written(count: number): Promise<void> {
    while (this.lines.length < count)
      await new Promise<void>((resolve) => {
        this.#next = resolve;
      });
  }
}

function greeted(changes: Partial<GreetingOptions> = {}): { terminal: Terminal; stop: () => void } {
  const terminal = new Terminal();
  const metricsUrl = Promise.resolve(URL);
  const delivery = readDeliveryConfig({});
  const options = { quiet: false, metricsUrl, logsFolder: '/data/logs', delivery, terminal, ...changes };
  return { terminal, stop: greet(options) };
}

/** Keeps the loop alive, as an app does: the hint's own timer must not. */
async function whileAlive(work: Promise<void>): Promise<void> {
  const alive = setInterval(() => {}, 1000);
  await work.finally(() => clearInterval(alive));
}

describe('greet', () => {
  it('says in one line where metrics and files are, and how to look further', async () => {
    const { terminal, stop } = greeted();
    await terminal.written(1);
    assert.deepEqual(terminal.lines, [`taskspan: ${URL}  /data/logs  npx taskspan doctor\n`]);
    stop();
  });

  it('leaves out what is not there', async () => {
    const { terminal, stop } = greeted({ metricsUrl: Promise.resolve(undefined), logsFolder: undefined });
    await terminal.written(1);
    assert.deepEqual(terminal.lines, ['taskspan: npx taskspan doctor\n']);
    stop();
  });

  it('names whom it sends to, without credentials', async () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:secret@collector:4318',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://prometheus:9090/api/v1/otlp/v1/metrics',
    };
    const { terminal, stop } = greeted({ metricsUrl: Promise.resolve(undefined), delivery: readDeliveryConfig(env) });
    await terminal.written(1);
    assert.deepEqual(terminal.lines, [
      'taskspan: sends to http://***@collector:4318, http://prometheus:9090/api/v1/otlp  /data/logs  npx taskspan doctor\n',
    ]);
    stop();
  });

  it('gives one hint when no task has run for a while', async () => {
    const { terminal, stop } = greeted({ hintAfterMs: 5 });
    await whileAlive(terminal.written(2));
    assert.match(terminal.lines[1] ?? '', /^taskspan: no task has run yet; .*doctor.*\n$/);
    stop();
  });

  it('gives no hint once a task has run', async () => {
    const { terminal, stop } = greeted({ hintAfterMs: 20 });
    runTask('job', () => {});
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(terminal.lines.length, 1);
    stop();
  });

  it('gives no hint once it was stopped', async () => {
    const { terminal, stop } = greeted({ hintAfterMs: 20 });
    stop();
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(terminal.lines.length, 1);
  });

  it('is silent when asked to be', async () => {
    const { terminal, stop } = greeted({ quiet: true, hintAfterMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(terminal.lines, []);
    stop();
  });
});
