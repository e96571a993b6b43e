/** What tells a command of its run, and the run of whoever has planned it. */
import type { RunEnvironment, RunInfo } from '@taskspan/core/hub';

type Variables = Readonly<Record<string, string | undefined>>;

/** By these an orchestrator gives a run its id; the second one for programs that know its older name. */
const GIVEN_ID = 'TASKSPAN_RUN_ID';
const GIVEN_ID_BEFORE = 'DATABUILD_JOB_RUN_ID';
const OWN_ID = 'TASKSPAN_TASK_ID';
const OWN_RUN = 'TASKSPAN_TASK_RUN';

/** The id that an orchestrator gave in the environment; undefined when there is none. */
export function givenRunId(env: Variables): string | undefined {
  const given = env[GIVEN_ID];
  if (given !== undefined && given !== '') return given;
  const before = env[GIVEN_ID_BEFORE];
  // A run hands its own id to its command by this name: what that starts is another run.
  return before === undefined || before === '' || before === env[OWN_ID] ? undefined : before;
}

/**
 * The environment of a command: that of its caller, and what tells it of its run.
 *
 * @param env that of the caller
 * @param run undefined when nothing keeps runs
 */
export function commandEnvironment(
  env: Variables,
  run: { readonly info: RunInfo; readonly variables: RunEnvironment | undefined } | undefined,
): Record<string, string> {
  const told: Record<string, string | undefined> = { ...env };
  if (run !== undefined) {
    const { TRACEPARENT: traceparent, TRACESTATE: tracestate, TASKSPAN_TASK_ID: id } = run.variables ?? {};
    // Meant for this run alone: a run below must not take it for its own.
    delete told[GIVEN_ID];
    told[OWN_ID] = id;
    told[GIVEN_ID_BEFORE] = id;
    told[OWN_RUN] = run.info.runId;
    // Without a span of ours, that of the caller goes on.
    if (traceparent !== undefined) Object.assign(told, { TRACEPARENT: traceparent, TRACESTATE: tracestate });
  }
  return Object.fromEntries(
    Object.entries(told).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
