import type { Callable } from '../base/wrapped-function.ts';

type Tasks = Readonly<Record<PropertyKey, unknown>>;

/**
 * A view of an application's list of tasks in which each function is watched. A view and no copy: the list may change
 * while the worker runs. Its target is an object of ours, since that of a frozen list would forbid to show anything else.
 */
export function watchedTasks(tasks: object, watch: (task: Callable) => Callable): object {
  const watched = new WeakMap<Callable, Callable>();
  const shown = (name: PropertyKey): unknown => {
    const task = (tasks as Tasks)[name];
    if (typeof task !== 'function') return task;
    const known = watched.get(task);
    if (known !== undefined) return known;
    const made = watch(task);
    watched.set(task, made);
    return made;
  };
  return new Proxy(Object.create(Object.getPrototypeOf(tasks) as object | null) as object, {
    get: (_, name) => shown(name),
    has: (_, name) => Reflect.has(tasks, name),
    set: (_, name, value) => Reflect.set(tasks, name, value),
    deleteProperty: (_, name) => Reflect.deleteProperty(tasks, name),
    ownKeys: () => Reflect.ownKeys(tasks),
    getOwnPropertyDescriptor: (_, name) => {
      const own = Reflect.getOwnPropertyDescriptor(tasks, name);
      // What the target does not have may only be shown as configurable.
      return own && { value: shown(name), writable: true, enumerable: own.enumerable ?? true, configurable: true };
    },
  });
}
