import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RequestBody } from '../send-result.ts';
import { jsonHalves } from './json-halves.ts';

function body(request: unknown, items: number): RequestBody {
  return { bytes: Buffer.from(JSON.stringify(request)), format: 'json', gzip: false, items };
}

const SPANS = {
  resourceSpans: [
    {
      resource: { attributes: [1] },
      schemaUrl: 'r',
      scopeSpans: [
        { scope: { name: 'a' }, spans: [{ n: 1 }, { n: 2 }] },
        { scope: { name: 'b' }, spans: [{ n: 3 }] },
      ],
    },
    { resource: { attributes: [2] }, scopeSpans: [{ scope: { name: 'a' }, schemaUrl: 's', spans: [{ n: 4 }] }] },
  ],
};

describe('jsonHalves', () => {
  it('keeps order, resources and scopes', () => {
    const halves = jsonHalves(body(SPANS, 4)) ?? [];
    assert.deepEqual(
      halves.map(({ items, bytes }) => [items, JSON.parse(String(bytes))]),
      [
        [
          2,
          {
            resourceSpans: [
              {
                resource: { attributes: [1] },
                schemaUrl: 'r',
                scopeSpans: [{ scope: { name: 'a' }, spans: [{ n: 1 }, { n: 2 }] }],
              },
            ],
          },
        ],
        [
          2,
          {
            resourceSpans: [
              {
                resource: { attributes: [1] },
                schemaUrl: 'r',
                scopeSpans: [{ scope: { name: 'b' }, spans: [{ n: 3 }] }],
              },
              SPANS.resourceSpans[1],
            ],
          },
        ],
      ],
    );
  });

  it('counts metrics by their points', () => {
    const metrics = [{ sum: { dataPoints: [1, 2, 3] } }, { gauge: { dataPoints: [1] } }];
    const halves = jsonHalves(body({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }, 4));
    assert.deepEqual(
      halves?.map(({ items }) => items),
      [3, 1],
    );
  });

  for (const [what, whole] of [
    ['a single item', body({ resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] }, 1)],
    ['no item', body({ resourceLogs: [] }, 0)],
    ['another shape', body({ resourceLogs: { scopeLogs: 1 } }, 2)],
    ['a list of nothing', body({ resourceLogs: [null, 1, { scopeLogs: [null] }] }, 2)],
    ['half a body', { ...body({}, 2), bytes: Buffer.from('{"resourceSpans":[{"sc') }],
    ['protobuf', { ...body(SPANS, 4), format: 'pb' } as const],
  ] as const) {
    it(`cannot cut ${what}`, () => assert.equal(jsonHalves(whole), undefined));
  }
});
