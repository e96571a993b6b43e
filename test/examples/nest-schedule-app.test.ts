import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ExampleEnd, ExampleProcess } from './example-process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the example of a Nest application', () => {
  let app: ExampleProcess;
  let end: ExampleEnd;
  before(async () => {
    execFileSync('npm', ['run', '--silent', 'build', '-w', 'nest-schedule-app'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
    app = new ExampleProcess({ example: 'nest-schedule-app', file: 'dist/main.js' });
    await app.printed(
      /warm$/m,
      /prices collected[\s\S]*prices collected/,
      /prices known/,
      /\[Scheduler\] MailServerBusy/,
    );
    end = await app.end();
  });
  after(() => app?.stop());

  it('runs what @Cron, @Interval and @Timeout ask for', () => {
    assert.equal(end.stdout.match(/\[PricesService\] warm$/gm)?.length, 1);
    assert.match(end.stdout, /\[PricesService\] \d+ prices collected/);
    assert.match(end.stdout, /\[PricesService\] \d+ prices known/);
  });

  it('goes on after a job that failed', () => {
    assert.match(end.stderr, /ERROR \[Scheduler\] MailServerBusy: 451 try again later/);
    assert.match(end.stderr, /at ReportsService\.sendReport/);
  });

  it('has no mail without a Redis, and ends by the signal that asks it to', () => {
    assert.doesNotMatch(end.stdout, /MailModule/);
    assert.equal(end.signal, 'SIGTERM');
  });
});
