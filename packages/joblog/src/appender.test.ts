import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Appender } from './appender.ts';
import { countItems } from './count-items.ts';

const DAY = '2026-03-04';

describe('the appender', () => {
  let folder: string;
  let directory: string;
  let appender: Appender;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'joblog-'));
    directory = join(folder, 'deep', 'logs');
    appender = new Appender({ directory, maxOpenFiles: 3, minFreeRatio: 0 });
  });

  afterEach(() => {
    appender.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function append(name: string, text: string, hints: { isNew?: boolean; isLast?: boolean } = {}): string | undefined {
    const { isNew = false, isLast = false } = hints;
    return appender.append({ file: `${DAY}/${name}`, lines: Buffer.from(text), isNew, isLast })?.code;
  }

  function read(name: string): string {
    return readFileSync(join(directory, DAY, `${name}.jsonl`), 'utf8');
  }

  it('makes folders and files that only their owner can read, and hides them from git', () => {
    assert.equal(append('a', '{}\n', { isNew: true }), undefined);
    assert.equal(read('a'), '{}\n');
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, DAY)).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, DAY, 'a.jsonl')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(directory, '.gitignore'), 'utf8'), '*\n');
  });

  it('adds to a file that it took for new', () => {
    mkdirSync(join(directory, DAY), { recursive: true });
    writeFileSync(join(directory, DAY, 'a.jsonl'), '1\n');
    append('a', '2\n', { isNew: true, isLast: true });
    append('a', '3\n', { isNew: true, isLast: true });
    assert.equal(read('a'), '1\n2\n3\n');
  });

  it('begins a new line after the half line of a writer that died', () => {
    mkdirSync(join(directory, DAY), { recursive: true });
    writeFileSync(join(directory, DAY, 'a.jsonl'), '{"half');
    append('a', '2\n');
    append('a', '3\n');
    assert.equal(read('a'), '{"half\n2\n3\n');
  });

  it('holds few descriptors, closes that of a run that ended, and loses nothing over it', () => {
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 20; at += 1) append(`f${at}`, `${round}\n`);
      assert.equal(appender.openFiles, 3);
    }
    append('f19', 'end\n', { isLast: true });
    assert.equal(appender.openFiles, 2);
    for (let at = 0; at < 19; at += 1) assert.equal(read(`f${at}`), '0\n1\n2\n');
  });

  it('makes files and folders again that were deleted while open', () => {
    append('a', '1\n');
    rmSync(join(directory, DAY, 'a.jsonl'));
    append('a', '2\n');
    assert.equal(read('a'), '2\n');
    rmSync(folder, { recursive: true });
    append('a', '3\n');
    append('b', '3\n', { isNew: true });
    assert.equal(read('a') + read('b'), '3\n3\n');
  });

  it('says what it could not write, and goes on when it can', () => {
    writeFileSync(join(folder, 'deep'), 'a file where a folder should be');
    assert.equal(append('a', '1\n'), 'ENOTDIR');
    rmSync(join(folder, 'deep'));
    assert.equal(append('a', '2\n'), undefined);
    assert.equal(read('a'), '2\n');
  });

  it('ends where no folder can be made', () => {
    const hopeless = new Appender({ directory: '/proc/nobody/logs', maxOpenFiles: 3, minFreeRatio: 0 });
    assert.ok(hopeless.append({ file: `${DAY}/a`, lines: Buffer.from('1\n'), isNew: true, isLast: false }));
  });

  it('pauses while too little is free', () => {
    mkdirSync(directory, { recursive: true });
    const careful = new Appender({ directory, maxOpenFiles: 3, minFreeRatio: 1.01 });
    const failure = careful.append({ file: `${DAY}/a`, lines: Buffer.from('1\n'), isNew: true, isLast: false });
    assert.deepEqual(failure, { code: 'LOW_SPACE', lost: '1\n' });
    assert.deepEqual(readdirSync(directory), []);
  });

  /**
   * A disk that fills up in the middle of a write. A small tmpfs where it can be mounted, else a limit on the size of
   * files: both give a short write first, and the error with the next one.
   */
  it('keeps lines whole around a write that failed half-way', () => {
    const script = `
      import { Appender } from ${JSON.stringify(new URL('./appender.ts', import.meta.url).href)};
      process.on('SIGXFSZ', () => {});
      const appender = new Appender({ directory: process.argv[1], maxOpenFiles: 3, minFreeRatio: 0 });
      const line = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: 'x'.repeat(3000) }] }] }] }) + '\\n';
      const append = () => appender.append({ file: '2026-03-04/a', lines: Buffer.from(line.repeat(4)), isNew: false, isLast: false });
      const failures = [];
      for (let at = 0; at < 10; at += 1) failures.push(append()?.lost ?? '');
      console.log(JSON.stringify(failures));
    `;
    const failing = join(folder, 'small');
    mkdirSync(failing);
    const run = `ulimit -f 64; exec "$0" --import tsx --input-type=module -e "$1" "$2"`;
    const out = execFileSync('bash', ['-c', run, process.execPath, script, failing], { encoding: 'utf8' });
    const lost = (JSON.parse(out) as string[]).map((lines) => countItems(lines).logs);
    const file = join(failing, DAY, 'a.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    const torn = lines.pop();
    assert.ok(
      lost.some((count) => count > 0 && count < 4),
      `no write failed half-way: ${lost}`,
    );
    assert.equal(countItems(lines.join('\n')).logs, 40 - lost.reduce((sum, count) => sum + count, 0));
    assert.notEqual(torn, '', 'the last write was cut off');
    // The disk has room again: the next lines begin on a line of their own.
    append('warm', '{}\n');
    const healed = new Appender({ directory: failing, maxOpenFiles: 3, minFreeRatio: 0 });
    healed.append({ file: `${DAY}/a`, lines: Buffer.from('{}\n'), isNew: false, isLast: false });
    healed.close();
    assert.ok(readFileSync(file, 'utf8').endsWith(`${torn}\n{}\n`));
  });

  it('appends after others that write to the same file', () => {
    append('a', '1\n');
    appendFileSync(join(directory, DAY, 'a.jsonl'), '2\n');
    append('a', '3\n');
    assert.equal(read('a'), '1\n2\n3\n');
  });
});
