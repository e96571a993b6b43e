import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SCOPE } from '../names.ts';
import { formatted } from './any-value.ts';
import { Frames } from './frame.ts';
import { OtlpBatch } from './otlp-batch.ts';

const resource = { attributes: { 'service.name': 'shop' }, schemaUrl: 'r' };
const app = { name: 'app' };

describe('an OTLP batch', () => {
  it('says a resource and its scopes once, in order of appearance', () => {
    const frames = new Frames();
    const batch = new OtlpBatch('logs');
    // An equal resource is the same one to a reader: the SDK's, and that of records which no SDK has seen.
    const equal = { ...resource, attributes: { ...resource.attributes } };
    batch.add(frames.of(resource, SCOPE), '1');
    batch.add(frames.of(equal, app), '2');
    batch.add(frames.of({ attributes: {} }, app), '3');
    batch.add(frames.of(resource, SCOPE), '4');
    batch.add(frames.of(equal, app), '5');
    assert.equal(batch.chars, 5);
    const scope = { name: SCOPE.name, version: SCOPE.version };
    const format = [{ key: 'taskspan.format', value: { intValue: '1' } }];
    const name = [{ key: 'service.name', value: { stringValue: 'shop' } }];
    assert.deepEqual(JSON.parse(batch.take()), {
      resourceLogs: [
        {
          resource: { attributes: name },
          scopeLogs: [
            { scope: { ...scope, attributes: format }, logRecords: [1, 4], schemaUrl: SCOPE.schemaUrl },
            { scope: app, logRecords: [2, 5] },
          ],
          schemaUrl: 'r',
        },
        { resource: {}, scopeLogs: [{ scope: app, logRecords: [3] }] },
      ],
    });
  });

  it('is empty again once it was taken', () => {
    const batch = new OtlpBatch('spans');
    assert.equal(batch.take(), '');
    batch.add(new Frames().of(resource, app), '{}');
    assert.notEqual(batch.take(), '');
    assert.deepEqual([batch.take(), batch.chars], ['', 0]);
  });

  it('knows that a frame is not ASCII', () => {
    const frame = new Frames().of({ attributes: { place: 'Köln' } }, app);
    formatted.isAscii = true;
    new OtlpBatch('metrics').add(frame, '{}');
    assert.equal(formatted.isAscii, false);
  });
});

describe('the frame of a resource', () => {
  it('is formatted once', () => {
    const frames = new Frames();
    assert.equal(frames.of(resource, app), frames.of(resource, app));
    assert.notEqual(frames.of(resource, app), frames.of(resource, SCOPE));
    assert.equal(frames.of(resource, app), frames.of(resource, app));
  });

  it('grows while detectors add to it, and stands once where they add nothing', () => {
    const attributes: Record<string, string> = { a: '1' };
    const pending = { attributes, asyncAttributesPending: true };
    const frames = new Frames();
    const first = frames.of(pending, app);
    assert.equal(frames.of(pending, app), first);
    attributes['b'] = '2';
    assert.match(frames.of(pending, app).resource, /"b"/);
  });

  it('is forgotten when there are very many', () => {
    const frames = new Frames();
    const first = frames.of(resource, app);
    for (let at = 0; at < 2000; at += 1) frames.of({ attributes: { at } }, app);
    assert.notEqual(frames.of(resource, app), first);
  });
});
