import { type Carrier, injectCarrier } from './carrier.ts';
import { readSafely } from './error-facts.ts';
import type { Task, TaskOptions } from './task.ts';
import { normaliseTaskId, uuidv7 } from './task-id.ts';
import { normaliseSignal } from './task-options.ts';

/** A run that nobody watches: the work gets the same object, and everything it says costs next to nothing. */
export class IdleTask implements Task {
  readonly operation: string;
  private readonly options: TaskOptions | undefined;
  private ownId: string | undefined = undefined;
  private ownSignal: AbortSignal | undefined = undefined;

  constructor(operation: string, options: TaskOptions | undefined) {
    this.operation = operation;
    this.options = options;
  }

  get id(): string {
    this.ownId ??= normaliseTaskId(readSafely(this.options, 'id')) ?? uuidv7(Date.now());
    return this.ownId;
  }

  get signal(): AbortSignal {
    this.ownSignal ??= normaliseSignal(readSafely(this.options, 'signal')) ?? new AbortController().signal;
    return this.ownSignal;
  }

  run<T>(fn: (task: Task) => T): T {
    return fn(this);
  }

  step<T>(_name: string, fn: (task: Task) => T): T {
    return fn(this);
  }

  inject(): Carrier {
    return injectCarrier();
  }

  progress(): void {}
  log(): void {}
  setAttribute(): void {}
  addOutput(): void {}
  metric(): void {}
  end(): void {}
}
