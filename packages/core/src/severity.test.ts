import assert from 'node:assert/strict';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { describe, it } from 'mocha';
import { SEVERITY } from './names.ts';
import { severityText } from './severity.ts';

describe('severityText', () => {
  it('names the four levels of the toolkit', () => {
    assert.deepEqual(Object.values(SEVERITY).map(severityText), ['DEBUG', 'INFO', 'WARN', 'ERROR']);
  });

  it('names every number of the log data model by its first word, and no other', () => {
    for (const [name, number] of Object.entries(SeverityNumber)) {
      if (typeof number !== 'number') continue;
      assert.equal(severityText(number), number === 0 ? '' : name.replace(/\d$/, ''), name);
    }
    for (const none of [0, 25, -1, Number.NaN]) assert.equal(severityText(none), '');
  });
});
