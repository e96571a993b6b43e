import assert from 'node:assert/strict';
import { AccessTokens } from './access-tokens.ts';

describe('AccessTokens', () => {
  const tokens = new AccessTokens([{ token: 'all-of-it' }, { token: 'mail-only', service: 'mail' }]);

  it('show everything where there is none', () => {
    assert.deepEqual(new AccessTokens([]).accessOf(undefined), { service: undefined });
    assert.deepEqual(new AccessTokens([]).accessOf('Bearer x'), { service: undefined });
  });

  it('show what they are for', () => {
    assert.deepEqual(tokens.accessOf('Bearer all-of-it'), { service: undefined });
    assert.deepEqual(tokens.accessOf('bearer  mail-only '), { service: 'mail' });
  });

  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer all-of-i',
    'Bearer all-of-it2',
    'Bearer ALL-OF-IT',
    'Bearer all-of-it mail-only',
    'Basic all-of-it',
    'all-of-it',
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer undefined',
  ]) {
    it(`show nothing for ${JSON.stringify(header?.slice(0, 40))}`, () => {
      assert.equal(tokens.accessOf(header), undefined);
    });
  }

  for (const token of ['', ' ', 'two words', 'ümlaut', 'line\nbreak']) {
    it(`cannot be ${JSON.stringify(token)}`, () => {
      assert.throws(() => new AccessTokens([{ token }]), /a token must be a text/);
    });
  }

  it('cannot be given twice, nor for a service without a name', () => {
    assert.throws(() => new AccessTokens([{ token: 'a' }, { token: 'a', service: 's' }]), /given once/);
    assert.throws(() => new AccessTokens([{ token: 'a', service: '' }]), /not empty/);
  });
});
