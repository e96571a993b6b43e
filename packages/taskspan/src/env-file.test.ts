import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { applyEnvFiles, readVariables } from './env-file.ts';
import { UsageError } from './run-options.ts';

describe('readVariables', () => {
  for (const [line, value] of [
    ['A=1', '1'],
    ['A=p#ss w0rd', 'p#ss w0rd'],
    ['A=p #ss', 'p #ss'],
    ['A=a=b', 'a=b'],
    ['A=', ''],
    ['A=$HOME \\n `x`', '$HOME \\n `x`'],
    ['  export A = 1 \r', '1'],
    ['A=" two  words "', ' two  words '],
    [`A='it"s'`, 'it"s'],
    ['A=it"s', 'it"s'],
  ] as const) {
    it(`takes literally: ${JSON.stringify(line)}`, () =>
      assert.deepEqual(readVariables(`# first\n${line}\n\nB=2`, 'f'), { A: value, B: '2' }));
  }

  for (const [line, message] of [
    ['A', /'f' is invalid: line 2 is not NAME=value$/],
    ['=secret', /line 2 is not NAME=value$/],
    ['1A=secret', /line 2 is not NAME=value$/],
    ['A="secret', /line 2: the value of A begins with a quote that has no end in this line$/],
    [`A='`, /line 2: the value of A begins/],
  ] as const) {
    it(`refuses, without showing the value: ${line}`, () =>
      assert.throws(
        () => readVariables(`B=1\n${line}\n`, 'f'),
        (error) => error instanceof UsageError && message.test(error.message) && !/secret/.test(error.message),
      ));
  }
});

describe('applyEnvFiles', () => {
  it('leaves what is set, and lets the later file win', () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-file-'));
    try {
      const files = ['A=1\nB=1\nSET=file\n', 'B=2\n'].map((text, at) => {
        const file = join(folder, `${at}.env`);
        writeFileSync(file, text);
        return file;
      });
      const env = { SET: 'process' };
      applyEnvFiles(files, env);
      assert.deepEqual(env, { SET: 'process', A: '1', B: '2' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes back what Node has read by its own rules', () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-file-'));
    try {
      const file = join(folder, 'one.env');
      writeFileSync(file, 'PASS=p#ss w0rd\n');
      const env = { PASS: 'p' };
      applyEnvFiles([file], env);
      assert.deepEqual(env, { PASS: 'p#ss w0rd' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says which file cannot be read', () => {
    assert.throws(() => applyEnvFiles(['missing.env'], {}), /'missing.env' is invalid: ENOENT/);
  });
});
