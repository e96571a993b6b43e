import { runTask, runTaskSteps } from '@taskspan/core';
import PQueue from 'p-queue';
import { logger } from './logger.js';

/**
 * What a job's code gets: its task, and a way to tell how far it is.
 *
 * @typedef {object} JobRun
 * @property {import('@taskspan/core').Task} task
 * @property {(share: number, message?: string) => void} progress
 */

/** @typedef {{name: string, run: (run: JobRun) => unknown}} JobStep */

/**
 * One piece of background work and on whose behalf it is done.
 *
 * @typedef {object} Job
 * @property {'commit' | 'merge' | 'dump_refs' | 'restore_refs' | 'gc_prepare_commits'} operation
 * @property {string} label
 * @property {'write' | 'read'} lane writers share a working tree: one at a time; readers two
 * @property {string} user
 * @property {string} repository
 * @property {JobStep[] | ((run: JobRun) => Promise<unknown>)} work
 * @property {number} [withinMs] time from submission after which the result is of no use any more
 * @property {AbortSignal} [signal] stops this job alone
 * @property {JobStatus} [expected] how it is meant to end; default `success`
 */

/** @typedef {'success' | 'failure' | 'expired' | 'cancelled'} JobStatus */

/**
 * How a job ended, as this application saw it.
 *
 * @typedef {{job: Job, status: JobStatus, value: unknown, error: unknown}} JobEnd
 */

/** The application's job queue: p-queue, with every job run as a task. */
export class JobQueue {
  #lanes = { write: new PQueue({ concurrency: 1 }), read: new PQueue({ concurrency: 2 }) };
  #view;
  #stop;
  #submitted = 0;

  /** @type {JobEnd[]} in the order of their ends */
  ended = [];

  /**
   * @param {{view: import('./live-view.js').LiveView, stop: AbortSignal}} options `stop` cancels what runs and waits
   */
  constructor({ view, stop }) {
    this.#view = view;
    this.#stop = stop;
  }

  /**
   * @param {Job} job
   * @returns {Promise<JobEnd>} never rejects because of the job
   */
  submit(job) {
    this.#submitted += 1;
    const enqueuedAt = Date.now();
    const requestId = `req-${String(this.#submitted).padStart(3, '0')}`;
    return this.#lanes[job.lane].add(() => this.#run(job, { enqueuedAt, requestId }));
  }

  /**
   * @param {Job} job
   * @param {{enqueuedAt: number, requestId: string}} submission
   * @returns {Promise<JobEnd>}
   */
  async #run(job, { enqueuedAt, requestId }) {
    const signal = job.signal === undefined ? this.#stop : AbortSignal.any([this.#stop, job.signal]);
    const deadline = job.withinMs === undefined ? 0 : enqueuedAt + job.withinMs;
    const row = this.#view.started(job, { waitedMs: Date.now() - enqueuedAt, requestId });
    const options = {
      label: job.label,
      attributes: { repository: job.repository, user: job.user, request_id: requestId },
      enqueuedAt,
      deadline,
      signal,
    };
    /** @type {JobEnd} */
    const end = { job, status: 'success', value: undefined, error: undefined };
    try {
      end.value = await this.#startWork(job, { row, options });
      if (deadline !== 0 && Date.now() > deadline) end.status = 'expired';
    } catch (error) {
      end.error = error;
      end.status = signal.aborted && error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'failure';
      if (end.status === 'failure' && job.expected !== 'failure')
        logger.error(`${job.operation} (${job.label}): ${error}`);
    }
    this.ended.push(end);
    this.#view.ended(row, end);
    return end;
  }

  /**
   * @param {Job} job
   * @param {{row: import('./live-view.js').Row, options: import('@taskspan/core').TaskOptions}} run
   */
  #startWork({ operation, work }, { row, options }) {
    /** @param {import('@taskspan/core').Task} task @returns {JobRun} */
    const hand = (task) => ({
      task,
      progress: (share, message) => {
        task.progress(share, message);
        this.#view.progress(row, share, message);
      },
    });
    if (typeof work === 'function') return runTask(operation, (task) => work(hand(task)), options);
    const steps = work.map(({ name, run }) => ({
      name,
      run: (/** @type {import('@taskspan/core').Task} */ task) => run(hand(task)),
    }));
    return runTaskSteps(operation, steps, options);
  }
}
