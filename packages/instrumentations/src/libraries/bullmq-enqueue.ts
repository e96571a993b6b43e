import type { EnqueueCall } from '../base/facts.ts';
import { type EnqueueHook, prototypeOf } from '../base/hook.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { withMetadata } from './telemetry-metadata.ts';

interface BullMQQueue {
  readonly name: string;
  /** Options of all its jobs. */
  readonly jobsOpts?: unknown;
}

interface BulkJob {
  readonly opts?: unknown;
}

/** A job with those that it waits for. */
interface FlowNode {
  readonly queueName?: string;
  readonly opts?: unknown;
  readonly children?: readonly FlowNode[] | null;
}

interface FlowTree {
  readonly job?: { readonly id?: string };
}

/** Jobs in, by every way but schedules: those make their jobs by themselves. */
export const ENQUEUE_HOOKS: readonly EnqueueHook[] = [
  { form: 'enqueue', on: prototypeOf('Queue'), method: 'add', describe: describeAdd },
  { form: 'enqueue', on: prototypeOf('Queue'), method: 'addBulk', describe: describeAddBulk },
  { form: 'enqueue', on: prototypeOf('FlowProducer'), method: 'add', describe: describeFlow },
  { form: 'enqueue', on: prototypeOf('FlowProducer'), method: 'addBulk', describe: describeFlows },
];

function describeAdd({ self, args }: LibraryCall): EnqueueCall {
  const { name, jobsOpts } = self as BullMQQueue;
  const [jobName, data, opts, ...rest] = args;
  return {
    system: 'bullmq',
    destination: name,
    name: 'add',
    inject: (carrier) => [jobName, data, withMetadata(opts, JSON.stringify(carrier), jobsOpts), ...rest],
    messageId: (job) => (job as { readonly id?: string } | undefined)?.id,
  };
}

function describeAddBulk({ self, args }: LibraryCall): EnqueueCall | undefined {
  const { name, jobsOpts } = self as BullMQQueue;
  const [jobs, ...rest] = args;
  if (!Array.isArray(jobs) || jobs.length === 0) return undefined;
  return {
    system: 'bullmq',
    destination: name,
    name: 'addBulk',
    count: jobs.length,
    inject: (carrier) => {
      const metadata = JSON.stringify(carrier);
      return [jobs.map((job: BulkJob) => ({ ...job, opts: withMetadata(job.opts, metadata, jobsOpts) })), ...rest];
    },
  };
}

function describeFlow({ args }: LibraryCall): EnqueueCall {
  const [flow, ...rest] = args as readonly [FlowNode, ...unknown[]];
  return {
    system: 'bullmq',
    destination: flow.queueName ?? '',
    name: 'add',
    count: sizeOf(flow),
    inject: (carrier) => [withMetadataBelow(flow, JSON.stringify(carrier)), ...rest],
    messageId: (tree) => (tree as FlowTree | undefined)?.job?.id,
  };
}

function describeFlows({ args }: LibraryCall): EnqueueCall | undefined {
  const [flows, ...rest] = args;
  if (!Array.isArray(flows) || flows.length === 0) return undefined;
  const nodes = flows as readonly FlowNode[];
  return {
    system: 'bullmq',
    destination: nodes[0]?.queueName ?? '',
    name: 'addBulk',
    count: nodes.reduce((sum, node) => sum + sizeOf(node), 0),
    inject: (carrier) => {
      const metadata = JSON.stringify(carrier);
      return [nodes.map((node) => withMetadataBelow(node, metadata)), ...rest];
    },
  };
}

function sizeOf({ children }: FlowNode): number {
  return (children ?? []).reduce((sum, child) => sum + sizeOf(child), 1);
}

function withMetadataBelow(node: FlowNode, metadata: string): FlowNode {
  const { opts, children } = node;
  const copy = { ...node, opts: withMetadata(opts, metadata) };
  if (!Array.isArray(children)) return copy;
  return { ...copy, children: children.map((child: FlowNode) => withMetadataBelow(child, metadata)) };
}
