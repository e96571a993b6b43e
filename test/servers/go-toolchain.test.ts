import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNewEnough, requireGo } from './go-toolchain.ts';

describe('Go', () => {
  for (const [said, expected] of [
    ['go version go1.25 linux/amd64', true],
    ['go version go1.26.8 linux/amd64', true],
    ['go version go2.0 darwin/arm64', true],
    ['go version devel +1234 linux/amd64', true],
    ['go version go1.24.9 linux/amd64', false],
    ['go version go1.3 linux/amd64', false],
  ] as const) {
    it(`of "${said}" is ${expected ? 'new enough' : 'too old'}`, () => {
      assert.equal(isNewEnough(said), expected);
    });
  }

  it('that is missing or too old is asked for in one sentence', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskspan-go-'));
    try {
      const options = { cwd: folder, env: { PATH: folder } };
      await assert.rejects(
        requireGo('a server', options),
        /^Error: Go 1\.25 or later is needed to build a server, and there is none on the PATH/,
      );
      writeFileSync(join(folder, 'go'), '#!/bin/sh\necho go version go1.21.3 linux/amd64\n', { mode: 0o755 });
      await assert.rejects(requireGo('a server', options), /and the one on the PATH is: go version go1\.21\.3/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
