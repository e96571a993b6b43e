/** Which runs a list shall show: a quick look at the columns of a table, then a sure one at the row. */
import type { JobRow, JobStatus, JobsRequest } from '../reader/job.ts';
import { BadRequestError } from '../reader/reader-error.ts';
import { OPEN_CODE, type PartTable, STATUS_CODES, UNLISTED_CODE } from './part-table.ts';
import { textHash } from './text-hash.ts';

const MAX_LIMIT = 10_000;

/** @throws BadRequestError for what is no limit */
export function pageLimit(limit: number | undefined, fallback: number): number {
  if (limit === undefined) return fallback;
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT))
    throw new BadRequestError('limit', limit, `a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

export class JobsFilter {
  readonly #request: JobsRequest;
  readonly #operation: number;
  readonly #label: number;
  readonly #service: number;
  /** By place in {@link STATUS_CODES}: 1 where a row may pass. */
  readonly #statuses: Uint8Array | undefined;

  /** Throws {@link BadRequestError} for a status that there is not. */
  constructor(request: JobsRequest) {
    this.#request = request;
    this.#operation = hashOf('operation', request.operation);
    this.#label = hashOf('label', request.label);
    this.#service = hashOf('service', request.service);
    this.#statuses = request.status === undefined ? undefined : codesOf(request.status);
  }

  /** False when the row cannot pass, whatever its text says. */
  mayPass(table: PartTable, row: number): boolean {
    return this.nextFrom(table, row, row) === row;
  }

  /** The first row from `row` down to `last` that may pass; -1 when there is none. A million take some milliseconds. */
  nextFrom({ words, status, dead }: PartTable, row: number, last: number): number {
    const { operation, label, service } = words;
    const [wantedOperation, wantedLabel, wantedService, statuses] = [
      this.#operation,
      this.#label,
      this.#service,
      this.#statuses,
    ];
    for (let at = row; at >= last; at -= 1) {
      if (wantedOperation !== 0 && operation[at] !== wantedOperation) continue;
      if (wantedLabel !== 0 && label[at] !== wantedLabel) continue;
      if (wantedService !== 0 && service[at] !== wantedService) continue;
      const code = status[at] ?? UNLISTED_CODE;
      if (code === UNLISTED_CODE || (statuses !== undefined && statuses[code] !== 1)) continue;
      if (dead[at] === 0) return at;
    }
    return -1;
  }

  passes(row: JobRow): boolean {
    const { operation, label, service, status } = this.#request;
    return (
      (operation ?? row.operation) === row.operation &&
      (label === undefined || label === row.label) &&
      (service === undefined || service === row.service) &&
      (status ?? row.status) === row.status
    );
  }
}

function hashOf(parameter: string, text: string | undefined): number {
  if (text === undefined) return 0;
  if (typeof text !== 'string') throw new BadRequestError(parameter, text, 'a text');
  return textHash(text);
}

function codesOf(status: JobStatus): Uint8Array {
  const code = STATUS_CODES.indexOf(status);
  if (code < 0) throw new BadRequestError('status', status, `one of ${STATUS_CODES.join(', ')}`);
  const codes = new Uint8Array(STATUS_CODES.length + 1);
  codes[code] = 1;
  // An open run is unknown once it has been silent for long.
  if (status === 'unknown') codes[OPEN_CODE] = 1;
  return codes;
}
