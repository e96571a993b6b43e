import assert from 'node:assert/strict';
import { readLoggerLine } from './logger-line.ts';

describe('a line of a JSON logger', () => {
  const lines: ReadonlyArray<readonly [string, string, object]> = [
    [
      'pino',
      '{"level":40,"time":1772600767890,"pid":1,"hostname":"h","order":7,"msg":"late"}',
      { level: 'WARN', message: 'late', attributes: { time: 1772600767890, pid: 1, hostname: 'h', order: 7 } },
    ],
    ['pino, trace', '{"level":10,"msg":"x"}', { level: 'DEBUG', message: 'x', attributes: {} }],
    ['pino, fatal', '{"level":60,"msg":"x"}', { level: 'ERROR', message: 'x', attributes: {} }],
    [
      'winston',
      '{"level":"warn","message":"late","timestamp":"2026-03-04T05:06:07.890Z"}',
      { level: 'WARN', message: 'late', attributes: { timestamp: '2026-03-04T05:06:07.890Z' } },
    ],
    ['winston, npm levels', '{"message":"x","level":"silly"}', { level: 'DEBUG', message: 'x', attributes: {} }],
    [
      'bunyan',
      '{"name":"app","hostname":"h","pid":1,"level":50,"msg":"no","time":"2026-03-04T05:06:07.890Z","v":0}',
      {
        level: 'ERROR',
        message: 'no',
        attributes: { name: 'app', hostname: 'h', pid: 1, time: '2026-03-04T05:06:07.890Z', v: 0 },
      },
    ],
    [
      'python-json-logger',
      '{"asctime": "2026-03-04 05:06:07,890", "levelname": "CRITICAL", "name": "root", "message": "no", "exc_info": null}',
      {
        level: 'ERROR',
        message: 'no',
        attributes: { asctime: '2026-03-04 05:06:07,890', name: 'root', exc_info: null },
      },
    ],
    [
      'structlog',
      '{"event": "late", "level": "warning", "order": {"id": [1, 2]}}',
      { level: 'WARN', message: 'late', attributes: { order: { id: [1, 2] } } },
    ],
    ['zap', '{"level":"dpanic","ts":1.5,"msg":"x"}', { level: 'ERROR', message: 'x', attributes: { ts: 1.5 } }],
    ['slog', '{"time":"t","level":"INFO","msg":"x"}', { level: 'INFO', message: 'x', attributes: { time: 't' } }],
    ['Google Cloud', '{"severity":"NOTICE","message":"x"}', { level: 'INFO', message: 'x', attributes: {} }],
    ['Elastic', '{"log.level":"ERROR","message":"x"}', { level: 'ERROR', message: 'x', attributes: {} }],
    ['Serilog', '{"@l":"Information","@m":"x"}', { level: 'INFO', message: 'x', attributes: {} }],
    [
      'a field that is named like one of the run',
      '{"level":30,"msg":"x","task.id":"other","operation":"o"}',
      { level: 'INFO', message: 'x', attributes: { 'field.field.task.id': 'other', 'field.operation': 'o' } },
    ],
  ];
  for (const [logger, line, expected] of lines) {
    it(`is read: ${logger}`, () => assert.deepEqual(readLoggerLine(line), expected));
  }

  const others = [
    '',
    '{',
    '{"a":1}',
    '{"level":30}',
    '{"msg":"x"}',
    '{"level":"high","msg":"x"}',
    '{"level":"3","msg":"x"}',
    '{"level":-1,"msg":"x"}',
    '{"level":1000,"msg":"x"}',
    '{"level":{"a":1},"msg":"x"}',
    '{"level":30,"msg":7}',
    '{"level":30,"msg":"x"} and more',
    '[30,"x"]',
  ];
  for (const line of others) {
    it(`is none of a logger: ${line}`, () => assert.equal(readLoggerLine(line), undefined));
  }

  it('keeps a field that is named like the prototype', () => {
    const attributes = readLoggerLine('{"level":30,"msg":"x","__proto__":{"a":1}}')?.attributes;
    assert.deepEqual(Object.keys(attributes ?? {}), ['__proto__']);
  });
});
