import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, readProjectFile } from '../house/source-tree.ts';
import { PROTO_CODE, protoCode, runTool } from './proto-code.ts';

const PROTO = 'taskspan/v1/joblog.proto';

describe('the proto', function () {
  // The first start of the programs reads them from a slow disk.
  this.timeout(60_000);

  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'proto-'));
    cpSync(join(ROOT, 'proto'), folder, { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What `buf breaking` says of the proto when this was done to it. */
  function breaking(change: (text: string) => string): string {
    const text = readProjectFile(`proto/${PROTO}`);
    const changed = change(text);
    assert.notEqual(changed, text);
    writeFileSync(join(folder, PROTO), changed);
    try {
      return runTool('buf', ['breaking', folder, '--against', 'proto/released.json']);
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout);
    }
  }

  it('is clean, and formatted', () => {
    assert.equal(runTool('buf', ['lint', 'proto']), '');
    assert.equal(runTool('buf', ['format', '--diff', 'proto']), '');
  });

  it('breaks nothing that was released', () => {
    assert.equal(runTool('buf', ['breaking', 'proto', '--against', 'proto/released.json']), '');
  });

  it('may grow', () => {
    assert.equal(
      breaking((text) => text.replace('string job_id = 2;', 'string job_id = 2;\n  // More.\n  string more = 9;')),
      '',
    );
  });

  for (const [what, from, to, said] of [
    [
      'lose a field',
      /^.*\n.*string unit = 4;\n/m,
      '',
      /field "4" with name "unit" on message "MetricPoint" was deleted/,
    ],
    ['rename a field', 'string job_id = 2;', 'string run_id = 2;', /"2" .*changed .*name from "job_id" to "run_id"/],
    ['change a type', 'uint64 sequence_number', 'string sequence_number', /changed type from "uint64" to "string"/],
    ['change a level', 'WARN = 2;', 'WARNING = 2;', /changed name from "WARN" to "WARNING"/],
    ['lose a call', /^ *rpc GetJob\(.*\n/m, '', /"GetJob" on service "LogReader" was deleted/],
  ] as const) {
    it(`must not ${what}`, () => {
      assert.match(
        breaking((text) => text.replace(from, to)),
        said,
      );
    });
  }

  it('has its code in the package: npm run proto writes it', () => {
    assert.equal(readProjectFile(PROTO_CODE), protoCode());
  });
});
