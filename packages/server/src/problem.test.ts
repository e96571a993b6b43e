import assert from 'node:assert/strict';
import { HttpProblem, PROBLEMS, type ProblemCode, problemOf } from './problem.ts';

describe('problem', () => {
  for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
    it(`${code} is a document of RFC 9457`, () => {
      const document = new HttpProblem(code as ProblemCode, 'what is wrong').document();
      assert.deepEqual(document, {
        type: `urn:taskspan:problem:${code.replaceAll('_', '-')}`,
        title,
        status,
        detail: 'what is wrong',
        code,
      });
    });
  }

  it('names the parameter', () => {
    assert.equal(new HttpProblem('bad_request', 'wrong', 'limit').document().parameter, 'limit');
  });
});

describe('problemOf', () => {
  const readerError = (code: string, parameter?: string): Error =>
    Object.assign(new Error(`${parameter} must be good`), { code, parameter });

  it('tells an unknown job, and a bad parameter by its name here', () => {
    assert.equal(problemOf(readerError('unknown_job'))?.status, 404);
    const bad = problemOf(readerError('bad_request', 'since_timestamp'));
    assert.deepEqual([bad?.status, bad?.parameter, bad?.message], [400, 'since', 'since must be good']);
    assert.equal(problemOf(readerError('bad_request', 'cursor'))?.parameter, 'cursor');
    assert.equal(problemOf(readerError('bad_request', 'needle'))?.message, 'q must be good');
  });

  for (const error of [new Error('plain'), readerError('ENOENT'), 'text', undefined, { code: 'bad_request' }]) {
    it(`takes ${String(error)} for no fault of the request`, () => assert.equal(problemOf(error), undefined));
  }
});
