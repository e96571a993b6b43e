import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import pino from 'pino';
import { attachToChannel, awaitPinoLine, PINO_KEY, type PinoTap } from './pino-channel.ts';
import { detachTap } from './tap.ts';

const LINE_CHANNEL = 'tracing:pino_asJson:end';
const logger = pino({}, { write: () => undefined });

describe('awaitPinoLine', () => {
  const heard: unknown[] = [];
  const tap: PinoTap = (_instance, _args, json) => {
    heard.push((JSON.parse(String(json)) as { msg: unknown }).msg);
  };

  afterEach(() => {
    detachTap(globalThis, PINO_KEY, tap);
    heard.length = 0;
    assert.equal(channel(LINE_CHANNEL).hasSubscribers, false);
  });

  it('attaches with the first line, which is heard like those after it, once each', () => {
    let attached = 0;
    awaitPinoLine(() => {
      attached += 1;
      attachToChannel(tap);
    });
    assert.equal(attached, 0);
    logger.info('first');
    logger.info('second');
    assert.equal(attached, 1);
    assert.deepEqual(heard, ['first', 'second']);
  });

  it('hears nothing after it was stopped, and leaves the channel', () => {
    const stop = awaitPinoLine(() => assert.fail('stopped'));
    stop();
    assert.equal(channel(LINE_CHANNEL).hasSubscribers, false);
    logger.info('unheard');
    assert.deepEqual(heard, []);
  });

  it('may be stopped by what it attaches, and lets the line go when nothing was', () => {
    const stop = awaitPinoLine(() => stop());
    logger.info('let go');
    assert.equal(channel(LINE_CHANNEL).hasSubscribers, false);
  });
});
