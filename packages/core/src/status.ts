/** How a run can end. One of these six stands in `task.status`, in `async_operations_total{status}` and in `task.ended`. */
export const TASK_STATUSES = ['success', 'failure', 'expired', 'cancelled', 'deferred', 'orphaned'] as const;

/** One of the six ends of a run; what each means is the table of outcomes in `docs/outcomes.md`. */
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The statuses that a caller may claim through `task.end({status})` or `outcome()`. `expired` and `orphaned` are facts, found and never claimed. */
export const CLAIMABLE_STATUSES = ['success', 'failure', 'cancelled', 'deferred'] as const;

/** A status that `task.end({status})` accepts. */
export type ClaimableStatus = (typeof CLAIMABLE_STATUSES)[number];

export function isTaskStatus(value: unknown): value is TaskStatus {
  return (TASK_STATUSES as readonly unknown[]).includes(value);
}

export function isClaimableStatus(value: unknown): value is ClaimableStatus {
  return (CLAIMABLE_STATUSES as readonly unknown[]).includes(value);
}
