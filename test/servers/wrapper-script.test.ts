import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWrapper } from './wrapper-script.ts';

describe('the script around an unpacked program', () => {
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-wrapper of-')));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('starts it with its arguments and the libraries beside it, wherever the folder is by then', () => {
    mkdirSync(join(folder, 'usr', 'bin'), { recursive: true });
    mkdirSync(join(folder, 'usr', 'lib', 'x86_64-linux-gnu'), { recursive: true });
    const program = '#!/bin/sh\necho "$LD_LIBRARY_PATH"\nprintf "%s\\n" "$@"\n';
    writeFileSync(join(folder, 'usr', 'bin', 'server'), program, { mode: 0o755 });
    writeWrapper(folder, 'usr/bin/server', 'server');
    const said = execFileSync(join(folder, 'server'), ['--name', 'two words', '$HOME'], { encoding: 'utf8' });
    const libraries = `${folder}/usr/lib/x86_64-linux-gnu:${folder}/usr/lib`;
    assert.deepEqual(said.trimEnd().split('\n'), [libraries, '--name', 'two words', '$HOME']);
  });
});
