import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { itemOf, newSpool, nonce, SERVICE, tempFolder } from './spool.test.fixture.ts';
import type { Spool } from './spool.ts';
import { SpoolClaim } from './spool-claim.ts';
import { fileName, folderName } from './spool-names.ts';
import { thisOwner } from './spool-owner.ts';

const linux = process.platform === 'linux';
/** No process has it: the largest possible is 2^22. */
const NO_PID = 9_999_999;

describe('SpoolClaim', () => {
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  let now: number;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
    now = 0;
    state.dropped.clear();
    clearReports();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    dir.remove();
  });

  function start(program: string, args: readonly string[]): ChildProcess {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  /** Resolves with all lines once `until` holds for them, and the process is killed; or with its end. */
  async function linesUntil(child: ChildProcess, until: (lines: readonly string[]) => boolean): Promise<string[]> {
    const lines: string[] = [];
    const ended = once(child, 'exit');
    if (child.stdout === null) return lines;
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (until(lines) && !child.killed) child.kill('SIGKILL');
    }
    await ended;
    return lines;
  }

  function claimInto(spool: Spool): SpoolClaim {
    return new SpoolClaim({ spool, root, nonce, now: () => now });
  }

  /** A folder as `owner` would have left it. */
  async function leave(owner: { host?: string; pid?: number; thread?: number }, count = 1): Promise<string> {
    const other = newSpool(root, { owner: { ...thisOwner(), start: '1', ...owner } });
    for (let at = 0; at < count; at += 1) await other.put('spans', itemOf(at));
    return basename(other.lanes('spans').own.oldest?.folder.path ?? '');
  }

  it('loses nothing of a process that is killed again and again, and doubles nothing', async function () {
    this.timeout(60_000);
    const spool = newSpool(root, { maxBytes: 64 * 1024 * 1024 });
    let written = 0;
    for (let round = 0; round < 4; round += 1) {
      const lines = await linesUntil(start('./spool-claim.test.spooler.ts', [root, String(written)]), (all) => {
        return all.length >= 10 + round * 7;
      });
      written = Number(lines.at(-1)) + 1;
      await claimInto(spool).scan();
      const found = spool.lanes('spans').backlog.entries.map(({ ordinal }) => ordinal);
      // One more may be on disk than it had time to say.
      assert.ok(found.length === written || found.length === written + 1, `${found.length} of ${written}`);
      assert.deepEqual(
        found,
        found.map((_, at) => at),
        'in order, each once',
      );
      written = found.length;
      assert.ok(!readdirSync(root, { recursive: true, encoding: 'utf8' }).some((path) => path.includes('tmp-')));
    }
  });

  it('of a dead process is done by exactly one of many', async function () {
    this.timeout(60_000);
    const left = await leave({ pid: NO_PID }, 50);
    assert.ok(existsSync(join(root, left)));
    const claimers = Array.from({ length: 4 }, () => start('./spool-claim.test.claimer.ts', [root]));
    let ready = 0;
    const outputs = claimers.map((child) =>
      linesUntil(child, (lines) => {
        if (lines.length === 1) ready += 1;
        if (ready === claimers.length) for (const one of claimers) one.stdin?.end('go\n');
        return false;
      }),
    );
    const found = (await Promise.all(outputs)).map((lines) => JSON.parse(lines.at(-1) ?? '[]') as string[]);
    assert.deepEqual(
      found.filter((texts) => texts.length > 0),
      [Array.from({ length: 50 }, (_, at) => String(at))],
    );
    assert.deepEqual(readdirSync(root), []);
  });

  it('lets the living be', async () => {
    if (!linux) return;
    const parent = newSpool(root);
    await parent.put('spans', itemOf(0));
    const child = start('./spool-claim.test.claimer.ts', [root]);
    child.stdin?.end('go\n');
    assert.deepEqual(await linesUntil(child, () => false), ['ready', '[]']);
    const { oldest } = parent.lanes('spans').own;
    assert.equal(typeof (oldest && (await parent.read(oldest))), 'object', 'still there');
  });

  it('of another machine waits until its heartbeat stood still for half a minute, whatever its clock says', async () => {
    const name = await leave({ host: 'ffffffff' });
    const beat = join(root, name, 'owner.json');
    const spool = newSpool(root);
    const claim = claimInto(spool);
    // A clock that is an hour ahead.
    utimesSync(beat, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600);
    await claim.scan();
    now += 29_000;
    await claim.scan();
    utimesSync(beat, Date.now() / 1000 + 3610, Date.now() / 1000 + 3610);
    now += 2000;
    await claim.scan();
    now += 29_000;
    await claim.scan();
    assert.ok(spool.lanes('spans').backlog.isEmpty, 'it has shown that it lives');
    now += 2000;
    assert.deepEqual([...(await claim.scan())], ['spans']);
    assert.equal(spool.lanes('spans').backlog.entries.length, 1);
  });

  it('of another machine does not wait when its last sign of life is long ago', async () => {
    const name = await leave({ host: 'ffffffff' });
    utimesSync(join(root, name, 'owner.json'), Date.now() / 1000 - 700, Date.now() / 1000 - 700);
    const spool = newSpool(root);
    await claimInto(spool).scan();
    assert.equal(spool.lanes('spans').backlog.entries.length, 1);
  });

  it('leaves what another service has left to that one, however long', async () => {
    await leave({ pid: NO_PID });
    const claim = claimInto(newSpool(root, { service: '0123abcd' }));
    await claim.scan();
    now += 10_000_000;
    assert.equal((await claim.scan()).size, 0);
    assert.deepEqual([...(await claimInto(newSpool(root)).scan())], ['spans']);
  });

  it('gives away what it has claimed under the name of its service', async () => {
    await leave({ pid: NO_PID });
    const spool = newSpool(root);
    await claimInto(spool).scan();
    spool.beginExit();
    spool.release();
    assert.match(readdirSync(root).join(), new RegExp(`^v1\\.free\\.of-${SERVICE}\\.`));
  });

  it('takes what a person gives back whatever it was for', async () => {
    const name = await leave({ pid: NO_PID });
    renameSync(join(root, name), join(root, 'v1.free.again'));
    assert.deepEqual([...(await claimInto(newSpool(root, { service: '00000000' })).scan())], ['spans']);
  });

  it('takes no more than there is room for, and the rest when there is', async () => {
    await leave({ pid: NO_PID }, 3);
    await leave({ pid: NO_PID }, 3);
    const spool = newSpool(root, { maxBytes: 5 * 4096 });
    const claim = claimInto(spool);
    await claim.scan();
    assert.equal(spool.lanes('spans').backlog.entries.length, 3);
    for (const entry of [...spool.lanes('spans').backlog.entries]) spool.remove(entry);
    await claim.scan();
    assert.equal(spool.lanes('spans').backlog.entries.length, 3);
    assert.equal(state.dropped.size, 0);
  });

  it('takes what was left under a larger limit when there is nothing else', async () => {
    await leave({ pid: NO_PID }, 3);
    const spool = newSpool(root, { maxBytes: 4096 });
    await claimInto(spool).scan();
    assert.equal(spool.lanes('spans').backlog.entries.length, 3);
  });

  it('leaves alone what is foreign, of a later version, no folder, or a link', async () => {
    const spool = newSpool(root);
    mkdirSync(join(root, 'refused'), { recursive: true });
    mkdirSync(join(root, 'v2.free.a'));
    mkdirSync(join(root, 'notes'));
    writeFileSync(join(root, 'v1.free.file'), '');
    mkdirSync(join(dir.path, 'elsewhere'));
    symlinkSync(join(dir.path, 'elsewhere'), join(root, 'v1.free.link'));
    assert.equal((await claimInto(spool).scan()).size, 0);
    assert.deepEqual(readdirSync(root).sort(), ['notes', 'refused', 'v1.free.file', 'v1.free.link', 'v2.free.a']);
  });

  it('survives whatever lies in a folder that is claimed', async () => {
    const folder = join(root, folderName({ owner: { ...thisOwner(), pid: NO_PID }, service: undefined }, 'x'));
    mkdirSync(folder, { recursive: true });
    const good = { createdMs: 1, signal: 'spans', last: false, items: 1, format: 'json', gzip: false } as const;
    writeFileSync(join(folder, fileName({ ...good, ordinal: 1 })), 'good');
    writeFileSync(join(folder, fileName({ ...good, ordinal: 2 })), '');
    writeFileSync(join(folder, `tmp-${fileName({ ...good, ordinal: 3 })}`), 'half');
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    symlinkSync(dir.path, join(folder, fileName({ ...good, ordinal: 4 })));
    const spool = newSpool(root);
    await claimInto(spool).scan();
    const { backlog } = spool.lanes('spans');
    assert.deepEqual(
      backlog.entries.map(({ ordinal }) => ordinal),
      [1, 2],
    );
    for (const entry of [...backlog.entries]) {
      await spool.read(entry);
      spool.remove(entry);
    }
    const [left = ''] = readdirSync(root);
    assert.match(left, /\.foreign$/);
    assert.ok(existsSync(join(root, left, 'notes.txt')));
    assert.equal((await claimInto(newSpool(root)).scan()).size, 0, 'and nobody claims it again');
  });

  it('finds nothing where there is no spool', async () => {
    assert.equal((await claimInto(newSpool(root)).scan()).size, 0);
  });
});
