import assert from 'node:assert/strict';
import type { JobManifest } from '../entry/job-log-entry.ts';
import { PrintedManifest } from './printed-manifest.ts';

function part(parts: Partial<JobManifest>): JobManifest {
  return { outputs: [], inputs: [], start_time: '', end_time: '', metadata: {}, ...parts };
}

describe('the manifest of a run', () => {
  it('is what all that its processes printed says together', () => {
    const manifest = new PrintedManifest();
    manifest.merge(
      part({ outputs: [{ str: 'b' }, { str: 'a' }], start_time: '2026-01-27T10:30:45Z', metadata: { x: '1' } }),
    );
    manifest.merge(
      part({
        outputs: [{ str: 'a' }, { str: 'c' }],
        inputs: [{ str: 'in' }],
        start_time: '2026-01-27T10:30:44.5Z',
        end_time: '2026-01-27T10:30:46Z',
        metadata: { x: '2', y: '3' },
      }),
    );
    assert.deepEqual(manifest.content(), {
      eventName: 'task.manifest',
      severity: 9,
      body: undefined,
      attributes: {
        'manifest.outputs': ['b', 'a', 'c'],
        'manifest.inputs': ['in'],
        'manifest.start_time': 1769509844.5,
        'manifest.end_time': 1769509846,
        'manifest.metadata.x': '2',
        'manifest.metadata.y': '3',
      },
    });
  });

  it('has what the owner of the run knows where nothing was printed', () => {
    const run = { outputs: ['o'], startSeconds: 1769509844.1235, endSeconds: 1769509845, label: 'nightly' };
    assert.deepEqual(new PrintedManifest().content(run).attributes, {
      'manifest.outputs': ['o'],
      'manifest.inputs': [],
      'manifest.start_time': 1769509844.1235,
      'manifest.end_time': 1769509845,
      'task.label': 'nightly',
    });
  });

  it('keeps the times and the label that were printed', () => {
    const manifest = new PrintedManifest();
    manifest.merge(part({ outputs: [{ str: 'p' }], end_time: '2026-01-27T10:30:46Z', metadata: { job_label: 'own' } }));
    const run = { outputs: ['o'], startSeconds: 1769509844, endSeconds: 1, label: 'nightly', metadata: { host: 'h' } };
    assert.deepEqual(manifest.content(run).attributes, {
      'manifest.outputs': ['o', 'p'],
      'manifest.inputs': [],
      'manifest.start_time': 1769509844,
      'manifest.end_time': 1769509846,
      'manifest.metadata.host': 'h',
      'task.label': 'own',
    });
  });

  it('has no more than a record holds, and says how much was left out', () => {
    const manifest = new PrintedManifest();
    const printed = { outputs: [], inputs: [], start_time: '', end_time: '', metadata: {} };
    for (let at = 0; at < 20_000; at += 1) manifest.merge({ ...printed, metadata: { last: `${at}` } });
    for (let at = 0; at < 200; at += 1)
      manifest.merge({ ...printed, outputs: [{ str: `${at}`.padEnd(100_000, '"') }] });
    for (let at = 0; at < 20_000; at += 1) manifest.merge({ ...printed, inputs: [{ str: `${at}` }] });
    const { attributes = {} } = manifest.content();
    assert.ok(Buffer.byteLength(JSON.stringify(attributes)) < 1024 * 1024);
    const [outputs, inputs] = [attributes['manifest.outputs'], attributes['manifest.inputs']];
    assert.ok(Array.isArray(outputs) && Array.isArray(inputs));
    assert.equal(outputs.length + inputs.length + Number(attributes['manifest.metadata.values_left_out']), 20_200);
    assert.ok(outputs.length > 2 && inputs.length > 1000);
    assert.equal(attributes['manifest.metadata.last'], '19999');
  });
});
