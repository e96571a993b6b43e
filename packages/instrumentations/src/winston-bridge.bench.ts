/**
 * What a log line costs beside the bridges, as ratios to the bare logger in interleaved rounds. Outside a run a line is
 * as dear as before; inside one, a record is made and emitted to a logger that drops it.
 */
import { context } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { startTask } from '@taskspan/core';
import { pino } from 'pino';
import winston from 'winston';
import TransportStream from 'winston-transport';
import { PinoBridge, WinstonBridge } from './index.ts';

const LINES = 20_000;
const ROUNDS = 9;

class Nowhere extends TransportStream {
  override log(_info: unknown, next: () => void): void {
    next();
  }
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
let emitted = 0;
logs.setGlobalLoggerProvider({
  getLogger: () => ({
    enabled: () => true,
    emit() {
      emitted += 1;
    },
  }),
});

const winstonLogger = winston.createLogger({ transports: [new Nowhere()] });
const pinoLogger = pino({}, { write() {} });
const bridges = [new WinstonBridge(), new PinoBridge()];

const cases: ReadonlyArray<readonly [string, () => void]> = [
  ['winston line', () => void winstonLogger.info('a line', { size: 3, name: 'x' })],
  ['winston filtered-out line', () => void winstonLogger.debug('a line', { size: 3, name: 'x' })],
  ['pino line', () => pinoLogger.info({ size: 3, name: 'x' }, 'a line')],
  ['pino filtered-out line', () => pinoLogger.debug({ size: 3, name: 'x' }, 'a line')],
];

/** Nanoseconds per call. */
function time(call: () => void): number {
  const start = process.hrtime.bigint();
  for (let line = 0; line < LINES; line += 1) call();
  return Number(process.hrtime.bigint() - start) / LINES;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

for (const [name, call] of cases) {
  const task = startTask('bench');
  const bare: number[] = [];
  const outside: number[] = [];
  const inside: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const bridge of bridges) bridge.disable();
    bare.push(time(call));
    for (const bridge of bridges) bridge.enable();
    outside.push(time(call));
    inside.push(task.run(() => time(call)));
  }
  task.end();
  const base = median(bare);
  const show = (values: number[]): string => `${median(values).toFixed(0)} ns (x${(median(values) / base).toFixed(2)})`;
  process.stdout.write(`${name}: bare ${base.toFixed(0)} ns, outside ${show(outside)}, inside ${show(inside)}\n`);
}
process.stdout.write(`${emitted} records emitted\n`);
