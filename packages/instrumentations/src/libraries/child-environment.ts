/** What a run puts into the environment of what it starts, and what it leaves as the caller has it. */
import type { RunEnvironment } from '@taskspan/core/hub';

type Name = keyof RunEnvironment;
type Variables = Readonly<Record<string, unknown>>;

/**
 * A copy of an environment, own and inherited variables, with those of the run.
 *
 * @param given what the caller hands to Node: its values become text there
 */
export function environmentWithRun(given: Variables, run: RunEnvironment): Record<string, unknown> {
  const env: Record<string, unknown> = {};
  for (const name in given) env[name] = given[name];
  for (const [name, value] of changes((wanted) => env[nameIn(Object.keys(env), wanted)], run)) {
    delete env[nameIn(Object.keys(env), name)];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/**
 * The same for `NAME=value` pairs.
 *
 * @param given undefined: the environment of this process, as the system would take it
 */
export function pairsWithRun(given: readonly string[] | undefined, run: RunEnvironment): string[] {
  const pairs = given ?? Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const names = pairs.map((pair) => pair.slice(0, pair.indexOf('=')));
  const valueNamed = (wanted: Name): string | undefined => {
    const at = names.indexOf(nameIn(names, wanted));
    return at < 0 ? undefined : pairs[at]?.slice(wanted.length + 1);
  };
  const changed = changes(valueNamed, run);
  const gone = new Set([...changed.keys()].map((name) => nameIn(names, name)));
  const added = [...changed].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return [...pairs.filter((_, at) => !gone.has(names[at] ?? '')), ...added];
}

/**
 * Variables to be set, or taken away (undefined): a state belongs to its parent. What the caller says by itself stays;
 * what was only handed on from this process, which may have been started by a run itself, does not.
 */
function changes(valueNamed: (name: Name) => unknown, run: RunEnvironment): Map<Name, string | undefined> {
  const isOwnWord = (name: Name): boolean => {
    const value = valueNamed(name);
    return value !== undefined && String(value) !== process.env[name];
  };
  const changed = new Map<Name, string | undefined>();
  if (run.TRACEPARENT !== undefined && !isOwnWord('TRACEPARENT')) {
    changed.set('TRACEPARENT', run.TRACEPARENT);
    changed.set('TRACESTATE', run.TRACESTATE);
  }
  if (run.TASKSPAN_TASK_ID !== undefined && !isOwnWord('TASKSPAN_TASK_ID')) {
    changed.set('TASKSPAN_TASK_ID', run.TASKSPAN_TASK_ID);
  }
  return changed;
}

/** How a name is written among others: Windows does not tell `Path` from `PATH`. */
function nameIn(names: readonly string[], wanted: Name): string {
  if (process.platform !== 'win32') return wanted;
  return names.find((name) => name.toUpperCase() === wanted) ?? wanted;
}
