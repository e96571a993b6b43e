import assert from 'node:assert/strict';
import {
  type Attributes,
  context,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { clearReports, type RunInfo, state } from '@taskspan/core/hub';
import { samplerFromEnvironment, taskSampler } from './task-sampler.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const { NOT_RECORD, RECORD, RECORD_AND_SAMPLED } = SamplingDecision;

function spanContext(sampled: boolean, spanId = 'b7ad6b7169203331'): SpanContext {
  return { traceId: TRACE, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
}

interface Asked {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly parent?: SpanContext;
  readonly links?: Link[];
}

function decide(
  sampler: Sampler,
  { kind = SpanKind.INTERNAL, attributes = {}, parent, links = [] }: Asked,
): SamplingDecision {
  const under = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  return sampler.shouldSample(under, TRACE, 'name', kind, attributes, links).decision;
}

const offAtRoot = (): Sampler => new ParentBasedSampler({ root: new AlwaysOffSampler() });
const task = { operation: 'commit' };
const sampledLink: Link[] = [{ context: spanContext(true) }];
const unsampledLink: Link[] = [{ context: spanContext(false) }];

describe('taskSampler where runs are observed', () => {
  afterEach(() => {
    state.starting = undefined;
  });

  it('leaves runs of the task API to their observer, and lifts tasks of others and steps as ever', () => {
    const sampler = taskSampler(new AlwaysOffSampler(), { runsAreObserved: true });
    assert.equal(decide(sampler, { attributes: task }), RECORD);
    state.starting = {} as RunInfo;
    assert.equal(decide(sampler, { attributes: task }), NOT_RECORD);
    assert.equal(decide(taskSampler(new AlwaysOffSampler()), { attributes: task }), RECORD);
    assert.equal(
      decide(taskSampler(offAtRoot(), { runsAreObserved: true }), { attributes: task, links: sampledLink }),
      RECORD_AND_SAMPLED,
    );
    state.starting = undefined;
    assert.equal(decide(sampler, { attributes: { 'task.step.name': 'one' } }), RECORD);
  });
});

describe('taskSampler', () => {
  const lifted: [what: string, asked: Asked, decision: SamplingDecision][] = [
    ['a task span', { attributes: task }, RECORD],
    ['a task span of a queue', { kind: SpanKind.CONSUMER, attributes: task }, RECORD],
    ['a task span with an odd operation', { attributes: { operation: '' } }, RECORD],
    ['a step', { attributes: { 'task.step.name': 'copy' }, parent: spanContext(false) }, RECORD],
    ['a processed message', { kind: SpanKind.CONSUMER, attributes: { 'messaging.operation.type': 'process' } }, RECORD],
    [
      'a processed message, older',
      { kind: SpanKind.CONSUMER, attributes: { 'messaging.operation': 'process' } },
      RECORD,
    ],
    [
      'a received message',
      { kind: SpanKind.CONSUMER, attributes: { 'messaging.operation.type': 'receive' } },
      NOT_RECORD,
    ],
    ['an internal span like a message', { attributes: { 'messaging.operation.type': 'process' } }, NOT_RECORD],
    ['a client span with an operation', { kind: SpanKind.CLIENT, attributes: task }, NOT_RECORD],
    ['a server span with an operation', { kind: SpanKind.SERVER, attributes: task }, NOT_RECORD],
    ['any other span', { attributes: { 'http.method': 'GET' } }, NOT_RECORD],
    ['a child span', { parent: spanContext(false) }, NOT_RECORD],
  ];
  for (const [what, asked, decision] of lifted) {
    it(`with a delegate that drops it: ${what} -> ${SamplingDecision[decision]}`, () => {
      assert.equal(decide(taskSampler(new AlwaysOffSampler()), asked), decision);
      assert.equal(decide(taskSampler(offAtRoot()), asked), decision);
    });
    it(`with a delegate that samples it: ${what} stays sampled`, () => {
      assert.equal(decide(taskSampler(new AlwaysOnSampler()), asked), RECORD_AND_SAMPLED);
    });
  }

  const linked: [what: string, delegate: Sampler, asked: Asked, decision: SamplingDecision][] = [
    ['a sampled enqueuer', offAtRoot(), { attributes: task, links: sampledLink }, RECORD_AND_SAMPLED],
    ['an unsampled enqueuer', offAtRoot(), { attributes: task, links: unsampledLink }, RECORD],
    ['an invalid link', offAtRoot(), { attributes: task, links: [{ context: spanContext(true, 'x') }] }, RECORD],
    ['a parent', offAtRoot(), { attributes: task, links: sampledLink, parent: spanContext(false) }, RECORD],
    ['always_off', new AlwaysOffSampler(), { attributes: task, links: sampledLink }, RECORD],
    ['a span that is no task', offAtRoot(), { links: sampledLink }, NOT_RECORD],
    ['a step', offAtRoot(), { attributes: { 'task.step.name': 'x' }, links: sampledLink }, RECORD],
  ];
  for (const [what, delegate, asked, decision] of linked) {
    it(`a task root with ${what} -> ${SamplingDecision[decision]}`, () => {
      assert.equal(decide(taskSampler(delegate), asked), decision);
    });
  }

  it('keeps what else the delegate says', () => {
    const delegate: Sampler = {
      shouldSample: () => ({ decision: NOT_RECORD, attributes: { 'sampling.rule': 'r' } }),
      toString: () => 'Mine',
    };
    const result = taskSampler(delegate).shouldSample(ROOT_CONTEXT, TRACE, 'n', SpanKind.INTERNAL, task, []);
    assert.deepEqual(result, { decision: RECORD, attributes: { 'sampling.rule': 'r' } });
    assert.equal(taskSampler(delegate).toString(), 'TaskSampler{Mine}');
  });

  it('hands back the very answer of the delegate where it changes nothing', () => {
    const answer = { decision: NOT_RECORD };
    const delegate: Sampler = { shouldSample: () => answer, toString: () => 'Mine' };
    assert.equal(taskSampler(delegate).shouldSample(ROOT_CONTEXT, TRACE, 'n', SpanKind.INTERNAL, {}, []), answer);
  });

  it('exports nothing it lifted, and leaves children of a lifted task unrecorded', () => {
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [new SimpleSpanProcessor(exporter)];
    const tracer = new BasicTracerProvider({ sampler: taskSampler(offAtRoot()), spanProcessors }).getTracer('test');
    const root = tracer.startSpan('commit', { attributes: task });
    const child = tracer.startSpan('GET', {}, trace.setSpan(context.active(), root));
    assert.deepEqual([root.isRecording(), child.isRecording()], [true, false]);
    child.end();
    root.end();
    assert.deepEqual(exporter.getFinishedSpans(), []);
  });
});

describe('samplerFromEnvironment', () => {
  beforeEach(() => clearReports());
  afterEach(() => clearReports());

  const on = 'root=AlwaysOnSampler';
  const off = 'root=AlwaysOffSampler';
  const cases: [sampler: string | undefined, arg: string | undefined, expected: string, reports: string[]][] = [
    [undefined, undefined, on, []],
    ['', undefined, on, []],
    ['always_on', undefined, 'AlwaysOnSampler', []],
    ['always_off', undefined, 'AlwaysOffSampler', []],
    [' always_off ', undefined, 'AlwaysOffSampler', []],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}', []],
    ['traceidratio', '0', 'TraceIdRatioBased{0}', []],
    ['traceidratio', undefined, 'TraceIdRatioBased{1}', []],
    ['traceidratio', 'many', 'TraceIdRatioBased{1}', ['OTEL_TRACES_SAMPLER_ARG']],
    ['traceidratio', '1.5', 'TraceIdRatioBased{1}', ['OTEL_TRACES_SAMPLER_ARG']],
    ['parentbased_always_on', undefined, on, []],
    ['parentbased_always_off', undefined, off, []],
    ['parentbased_traceidratio', '0.5', 'root=TraceIdRatioBased{0.5}', []],
    ['sometimes', undefined, on, ['OTEL_TRACES_SAMPLER']],
  ];
  for (const [sampler, arg, expected, reports] of cases) {
    it(`${sampler} ${arg ?? ''} -> ${expected}`, () => {
      const made = samplerFromEnvironment({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg }).toString();
      assert.ok(expected.startsWith('root=') ? made.startsWith(`ParentBased{${expected}`) : made === expected, made);
      assert.deepEqual([...state.reported], reports);
    });
  }

  it('is what taskSampler uses by default, read when the first span asks', () => {
    const sampler = taskSampler();
    process.env['OTEL_TRACES_SAMPLER'] = 'always_off';
    try {
      assert.equal(decide(sampler, {}), NOT_RECORD);
      assert.equal(sampler.toString(), 'TaskSampler{AlwaysOffSampler}');
    } finally {
      delete process.env['OTEL_TRACES_SAMPLER'];
    }
  });
});
