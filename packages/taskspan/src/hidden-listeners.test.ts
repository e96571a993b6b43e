import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners } from 'node:events';
import { beforeEach, describe, it } from 'mocha';
import { hasListener, hideListeners } from './hidden-listeners.ts';

describe('hideListeners', () => {
  const ours = (): void => {
    calls += 1;
  };
  const theirs = (): void => {};
  let calls: number;
  let emitter: EventEmitter;
  let show: () => void;

  beforeEach(() => {
    calls = 0;
    emitter = new EventEmitter();
    emitter.on('a', ours).on('b', ours).on('b', theirs).once('c', theirs);
    show = hideListeners(emitter, new Set([ours]));
  });

  it('hides them from every way to ask', () => {
    assert.deepEqual(emitter.eventNames(), ['b', 'c']);
    assert.deepEqual(
      [emitter.listeners('a'), emitter.listeners('b'), emitter.listeners('c')],
      [[], [theirs], [theirs]],
    );
    assert.deepEqual([emitter.rawListeners('a'), emitter.rawListeners('b')], [[], [theirs]]);
    assert.equal((emitter.rawListeners('c')[0] as { listener?: unknown }).listener, theirs);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((event) => emitter.listenerCount(event)),
      [0, 1, 1, 0],
    );
    assert.equal(emitter.listenerCount('b', theirs), 1);
    assert.deepEqual(getEventListeners(emitter, 'b'), [theirs]);
    assert.equal(EventEmitter.listenerCount(emitter, 'a'), 0);
  });

  it('lets them be called, found and removed', () => {
    assert.equal(emitter.emit('a'), true);
    assert.equal(calls, 1);
    assert.deepEqual([hasListener(emitter, 'a', ours), hasListener(emitter, 'a', theirs)], [true, false]);
    emitter.off('a', ours);
    assert.equal(hasListener(emitter, 'a', ours), false);
  });

  it('leaves nothing behind, and nothing to see in between', () => {
    assert.deepEqual(Object.keys(emitter), Object.keys(new EventEmitter()));
    show();
    assert.equal(emitter.listenerCount('a'), 1);
    assert.equal(Object.hasOwn(emitter, 'listenerCount'), false);
  });

  it('leaves alone what somebody has replaced', () => {
    const own = (): number => 7;
    show();
    emitter.listenerCount = own;
    hideListeners(emitter, new Set([ours]))();
    assert.equal(emitter.listenerCount, own);
    const undo = hideListeners(emitter, new Set([ours]));
    emitter.listeners = () => [];
    undo();
    assert.equal(Object.hasOwn(emitter, 'listeners'), true);
  });
});
