import assert from 'node:assert/strict';
import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api';
import type { LoggerProvider, LogRecord } from '@opentelemetry/api-logs';
import { describe, it } from 'mocha';
import { LazyLoggerProvider, LazyMeterProvider } from './lazy-providers.ts';

describe('LazyMeterProvider', () => {
  /** A meter that says which of its methods were called. */
  function recording(): { provider: MeterProvider; calls: string[] } {
    const calls: string[] = [];
    const meter = new Proxy(createNoopMeter(), {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          calls.push(`${String(key)} ${typeof args[0] === 'string' ? args[0] : typeof args[0]}`);
          return Reflect.apply(value, target, args);
        };
      },
    });
    const provider: MeterProvider = {
      getMeter: (name, version, options) => {
        calls.push(['meter', name, version, options?.schemaUrl].join(' '));
        return meter;
      },
    };
    return { provider, calls };
  }

  it('loads nothing for those who ask for a meter, and once for the first instrument', () => {
    let loaded = 0;
    const { provider, calls } = recording();
    const lazy = new LazyMeterProvider(() => {
      loaded += 1;
      return provider;
    });
    const meter = lazy.getMeter('a', '1.0', { schemaUrl: 'url' });
    const other = lazy.getMeter('b');
    assert.equal(loaded, 0);
    meter.createCounter('count').add(1);
    meter.createCounter('again').add(1);
    other.createGauge('gauge').record(1);
    assert.equal(loaded, 1);
    assert.deepEqual(calls, [
      'meter a 1.0 url',
      'createCounter count',
      'createCounter again',
      'meter b  ',
      'createGauge gauge',
    ]);
    assert.equal(lazy.load(), provider);
    assert.equal(loaded, 1);
  });

  it('passes every method on', () => {
    const { provider, calls } = recording();
    const meter: Meter = new LazyMeterProvider(() => provider).getMeter('a');
    const gauge = meter.createObservableGauge('og');
    const callback = (): void => {};
    meter.createHistogram('h').record(1);
    meter.createUpDownCounter('u').add(-1);
    meter.createObservableCounter('oc').addCallback(callback);
    meter.createObservableUpDownCounter('ou');
    meter.addBatchObservableCallback(callback, [gauge]);
    meter.removeBatchObservableCallback(callback, [gauge]);
    assert.deepEqual(calls.slice(1), [
      'createObservableGauge og',
      'createHistogram h',
      'createUpDownCounter u',
      'createObservableCounter oc',
      'createObservableUpDownCounter ou',
      'addBatchObservableCallback function',
      'removeBatchObservableCallback function',
    ]);
  });
});

describe('LazyLoggerProvider', () => {
  it('loads the logs SDK with the first record, once', () => {
    let loaded = 0;
    const emitted: [string, LogRecord][] = [];
    const real: LoggerProvider = {
      getLogger: (name) => ({ emit: (record) => emitted.push([name, record]), enabled: () => name !== 'off' }),
    };
    const lazy = new LazyLoggerProvider(() => {
      loaded += 1;
      return real;
    });
    const [one, other] = [lazy.getLogger('one'), lazy.getLogger('off')];
    assert.equal(loaded, 0);
    one.emit({ body: 'first' });
    one.emit({ body: 'second' });
    assert.deepEqual([one.enabled(), other.enabled()], [true, false]);
    assert.equal(loaded, 1);
    assert.deepEqual(emitted, [
      ['one', { body: 'first' }],
      ['one', { body: 'second' }],
    ]);
  });
});
