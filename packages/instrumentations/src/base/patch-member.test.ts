import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { copyExports, patchMember } from './patch-member.ts';
import { callThrough, type Interceptor } from './wrapped-function.ts';

const KEY = 'library.run';
const plusTen: Interceptor = (call) => Number(callThrough(call)) + 10;

describe('patchMember', () => {
  it('wraps a method of a prototype, keeps its descriptor, and puts it back', () => {
    class Worker {
      run(): number {
        return 1;
      }
    }
    const before = Object.getOwnPropertyDescriptor(Worker.prototype, 'run');
    const patched = patchMember(Worker.prototype, 'run', { key: KEY, interceptor: plusTen });
    assert.equal(patched?.result, 'patched');
    assert.equal(new Worker().run(), 11);
    const during = Object.getOwnPropertyDescriptor(Worker.prototype, 'run');
    assert.deepEqual({ ...during, value: 0 }, { ...before, value: 0 });
    patched?.undo();
    assert.deepEqual(Object.getOwnPropertyDescriptor(Worker.prototype, 'run'), before);
  });

  it('wraps an inherited method on the heir alone, and takes it away again', () => {
    class Base {
      run(): number {
        return 1;
      }
    }
    class Heir extends Base {}
    const patched = patchMember(Heir.prototype, 'run', { key: KEY, interceptor: plusTen });
    assert.deepEqual([new Base().run(), new Heir().run()], [1, 11]);
    patched?.undo();
    assert.equal(Object.hasOwn(Heir.prototype, 'run'), false);
  });

  it('leaves what somebody has wrapped since: ours only passes on then', () => {
    const target = { run: (): number => 1 };
    const patched = patchMember(target, 'run', { key: KEY, interceptor: plusTen });
    const ours = target.run;
    target.run = () => ours() + 100;
    patched?.undo();
    assert.equal(target.run(), 101);
  });

  it('patches once however often it is asked, and does not find what is not there', () => {
    const target = { run: (): number => 1, other: 5 };
    patchMember(target, 'run', { key: KEY, interceptor: plusTen });
    patchMember(target, 'run', { key: KEY, interceptor: plusTen });
    assert.equal(target.run(), 11);
    assert.equal(patchMember(target, 'other', { key: KEY, interceptor: plusTen }), undefined);
    assert.equal(patchMember(target, 'none', { key: KEY, interceptor: plusTen }), undefined);
  });

  it('says when an object refuses, and copies exports for it', () => {
    const exports = Object.defineProperty({ other: 1 } as Record<string, unknown>, 'schedule', {
      get: () => (): number => 1,
      enumerable: true,
      configurable: false,
    });
    const patched = patchMember(exports, 'schedule', { key: KEY, interceptor: plusTen });
    assert.equal(patched?.result, 'read-only');
    const copy = copyExports(exports, new Map([['schedule', patched.replacement]])) as Record<string, unknown>;
    assert.equal((copy['schedule'] as () => number)(), 11);
    assert.deepEqual(Object.keys(copy), ['other', 'schedule']);
    exports['other'] = 2;
    assert.equal(copy['other'], 2);
  });

  it('replaces an export that is a getter and may be replaced', () => {
    const exports = Object.defineProperty({} as { run?: () => number }, 'run', {
      get: () => (): number => 1,
      enumerable: true,
      configurable: true,
    });
    assert.equal(patchMember(exports, 'run', { key: KEY, interceptor: plusTen })?.result, 'patched');
    assert.equal(exports.run?.(), 11);
  });
});
