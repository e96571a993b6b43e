import assert from 'node:assert/strict';
import type { JobLogEntry } from '@taskspan/joblog';
import { cellTable } from './cell-table.ts';
import { entryLines } from './entry-text.ts';
import { durationText } from './instant-text.ts';
import { jobDetails, jobTable } from './job-text.ts';
import { safeLine, safeLines } from './safe-text.ts';
import { type TextStyle, textStyle } from './text-style.ts';

const plain: TextStyle = (_style, text) => text;
const marked: TextStyle = (style, text) => (style === undefined || text === '' ? text : `<${style}>${text}</>`);

const AROUND = { timestamp: '2026-01-27T10:30:45.123456789Z', job_id: 'j', outputs: [], sequence_number: 1 };

function lines(content: Omit<JobLogEntry, keyof typeof AROUND>, style = plain): readonly string[] {
  return entryLines({ ...AROUND, ...content }, style).map((line) => line.replace('2026-01-27 10:30:45.123Z  ', ''));
}

describe('an entry for people', () => {
  it('cannot move the cursor of a terminal, nor turn the direction of what follows', () => {
    const hostile = 'a\u001b[2Jb\u0007\u009bc\u202ed\u2028e\u0000';
    for (const content of [
      { log: { level: 'INFO', message: hostile, fields: { [hostile]: hostile } } },
      { metric: { name: hostile, value: 1, labels: { [hostile]: hostile }, unit: hostile } },
      { event: { event_type: hostile, job_label: hostile, metadata: { message: hostile, [hostile]: hostile } } },
      {
        manifest: {
          outputs: [{ str: hostile }],
          inputs: [{ str: hostile }],
          start_time: '',
          end_time: '',
          metadata: { [hostile]: hostile },
        },
      },
    ] satisfies readonly Omit<JobLogEntry, keyof typeof AROUND>[]) {
      const text = lines(content).join('\n');
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      assert.ok(text.includes('a\\u001b[2Jb\\u0007\\u009bc\\u202ed\\u2028e\\u0000'), text);
    }
  });

  it('shows the stack of an exception once, and no field that every entry repeats', () => {
    const fields = {
      operation: 'etl',
      'task.run': 'a',
      'exception.type': 'TypeError',
      'exception.message': 'no',
      'exception.stacktrace': 'TypeError: no\n    at x',
      'event.name': 'exception',
    };
    assert.deepEqual(lines({ log: { level: 'ERROR', message: 'no', fields } }), [
      'ERROR     TypeError: no',
      `${' '.repeat(36)}    at x`,
    ]);
  });

  it('has its level in colour', () => {
    const log = { level: 'WARN', message: 'x', fields: {} } as const;
    assert.deepEqual(entryLines({ ...AROUND, log }, marked), [
      '<dim>2026-01-27 10:30:45.123Z</>  <yellow>WARN    </>  x',
    ]);
  });

  it('has sizes and times of its own in units, and a program the last word on its own', () => {
    const metadata = {
      'task.memory.peak_bytes': '64774144',
      'task.cpu.seconds': '1.1289950850000001',
      of_bytes: '2048',
    };
    assert.deepEqual(lines({ event: { event_type: 'exited', job_label: '', metadata } }), [
      'EVENT     exited  task.memory.peak_bytes=61.8MiB task.cpu.seconds=1.1s of_bytes=2048',
    ]);
    const odd = { 'task.memory.peak_bytes': 'much', 'task.cpu.seconds': '' };
    assert.deepEqual(lines({ event: { event_type: 'exited', job_label: '', metadata: odd } }), [
      'EVENT     exited  task.memory.peak_bytes=much task.cpu.seconds=""',
    ]);
  });

  it('shows a user of the program, and whether it spoke on stderr', () => {
    const fields = { user: 'alice', request_id: '7', repository: 'x', 'log.iostream': 'stderr' };
    assert.deepEqual(lines({ log: { level: 'INFO', message: 'in', fields } }), [
      'INFO      in  user=alice request_id=7 repository=x log.iostream=stderr',
    ]);
  });

  it('has what a program said on stderr in colour', () => {
    const log = { level: 'INFO', message: 'x\ny', fields: { 'log.iostream': 'stderr' } } as const;
    assert.deepEqual(lines({ log }, marked), [
      '<dim>2026-01-27 10:30:45.123Z</>  INFO      <yellow>x</>  <dim>log.iostream=stderr</>',
      `${' '.repeat(36)}<yellow>y</>`,
    ]);
  });

  it('shows a manifest as what it is', () => {
    const manifest = {
      outputs: [{ str: 's3://out' }],
      inputs: [{ str: 'in' }],
      start_time: '2026-01-27T10:30:45.000000000Z',
      end_time: '',
      metadata: { rows: '12' },
    };
    assert.deepEqual(
      lines({ manifest }).map((line) => line.trim()),
      ['MANIFEST  2026-01-27T10:30:45.000000000Z to ?  rows=12', 'output s3://out', 'input in'],
    );
  });
});

describe('runs for people', () => {
  const row = {
    job_id: 'id\u001b[31m',
    run: 'r',
    operation: 'o\n',
    label: 'l\t',
    status: 'running',
    attempt: 2,
    started_at: '2026-01-27T10:30:45.000Z',
    ended_at: null,
    duration_seconds: null,
    outputs: ['x'],
    error_type: null,
    progress: 0.456,
    service: null,
  } as const;
  const nowMs = Date.parse(row.started_at) + 83_000;

  it('show how far an open run is, and nothing that moves the cursor', () => {
    assert.deepEqual(jobTable([row], plain, nowMs), [
      'STARTED (UTC)        STATUS    TOOK  DONE  OPERATION  LABEL  ATTEMPT  ID',
      '2026-01-27 10:30:45  running  1m23s   45%  o\\n        l\\t          2  id\\u001b[31m',
    ]);
  });

  it('show the attempts of one that has several', () => {
    const before = { ...row, attempt: 1, status: 'failure', duration_seconds: 1 } as const;
    const shown = jobDetails({ ...row, attempts: [before, row] }, plain, { nowMs });
    assert.deepEqual(
      shown.slice(-4).map((line) => line.slice(0, 30).trimEnd()),
      ['', 'STARTED (UTC)        STATUS', '2026-01-27 10:30:45  failure', '2026-01-27 10:30:45  running'],
    );
  });
});

describe('text for people', () => {
  it('is safe in a line, and in lines', () => {
    assert.equal(safeLine('a\r\n\tb'), 'a\\r\\n\\tb');
    assert.deepEqual(safeLines('a\r\nb\tc\n\n'), ['a', 'b\tc']);
    assert.deepEqual(safeLines('a\rb'), ['a\\rb']);
  });

  it('is aligned by characters, not by the units of their code', () => {
    const columns = [
      { title: 'A', cell: (text: string) => ({ text }) },
      { title: 'B', cell: () => ({ text: '' }) },
      { title: 'C', isNumber: true, cell: (text: string) => ({ text: String(text.length) }) },
    ];
    assert.deepEqual(cellTable(columns, ['🙂', 'ab'], plain), ['A   C', '🙂   2', 'ab  2']);
  });

  for (const [seconds, text] of [
    [0, '0ms'],
    [0.0634, '63ms'],
    [0.9999, '1.0s'],
    [59.94, '59.9s'],
    [59.96, '1m00s'],
    [3599.6, '1h00m'],
    [3723, '1h02m'],
    [90_061, '1d01h'],
  ] as const) {
    it(`${seconds} seconds are ${text}`, () => assert.equal(durationText(seconds), text));
  }

  for (const [env, isTerminal, coloured] of [
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
  ] as const) {
    it(`has ${coloured ? 'colours' : 'none'} with ${JSON.stringify(env)} on ${isTerminal ? 'a terminal' : 'a pipe'}`, () => {
      assert.equal(textStyle(env, isTerminal)('red', 'x') !== 'x', coloured);
    });
  }
});
