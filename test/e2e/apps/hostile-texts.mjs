/** Runs, lines, spans and log records with ids, texts and values that formats disagree about; ends by itself. */
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { runTask } from 'taskspan';

const IDS = {
  plain: 'plain',
  climbing: '../../../etc/passwd',
  dot: '.',
  dots: '..',
  hidden: '.hidden',
  slash: 'a/b\\c',
  space: ' two words ',
  unicode: 'Grüße-日本語-🧵',
  surrogate: 'lone-\uD800-high',
  newline: 'one\ntwo\r\nthree',
  nul: 'a\u0000b',
  device: 'CON',
  long: 'x'.repeat(5000),
  empty: '',
};

const TEXTS = {
  newline: 'one\ntwo\r\nthree\u2028four',
  nul: 'a\u0000b',
  controls: '\u0001\u001b[31mred\u001b[0m\u007f',
  surrogates: 'high \uD83D low \uDE00 pair \u{1F600}',
  json: '{"resourceLogs":[]}\\"',
  html: '<script>alert(1)</script>&amp;',
  empty: '',
  long: 'ü'.repeat(300_000),
  bom: '\uFEFFtext',
};

const VALUES = {
  zero: 0,
  'minus zero': -0,
  one: 1,
  negative: -7,
  'beyond 2^53': 2 ** 60,
  largest: Number.MAX_VALUE,
  smallest: 5e-324,
  tenth: 0.1,
  exponent: 1e21,
  small: 1e-7,
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  'minus infinity': Number.NEGATIVE_INFINITY,
  true: true,
  false: false,
  text: 'text',
  'empty text': '',
  'empty list': [],
  'list of texts': ['a', '', 'ü'],
  'list of numbers': [1, 2.5, Number.NaN],
};

/** Values that log records may have beyond those of spans. */
const DEEP_VALUES = {
  bytes: new Uint8Array([0, 1, 254, 255]),
  'empty bytes': new Uint8Array(),
  null: null,
  map: { a: 1, deep: { list: [{ b: [] }, null] }, '': 'empty key' },
  'empty map': {},
  'list of everything': [1, 'a', true, null, { a: 1 }, [2]],
};

const tracer = trace.getTracer('hostile "scope"\n', '1.0.0-ü');
const logger = logs.getLogger('app.logger', '2', { schemaUrl: 'https://example.invalid/schema' });

for (const [name, id] of Object.entries(IDS)) {
  await runTask('id', (task) => task.log('info', `id ${name}`), { id, attributes: { name } });
}
await runTask('texts', texts, { id: 'texts', label: TEXTS.newline, attributes: { user: TEXTS.surrogates } });
await runTask('values', values, { id: 'values', attributes: VALUES });
await runTask('log_records', logRecords, { id: 'log-records' });
await runTask('spans', spans, { id: 'spans' });
await runTask(TEXTS.newline, () => undefined, { id: 'operation' });
const cause = new Error(TEXTS.long, { cause: new Error(TEXTS.nul) });
await runTask('error', () => Promise.reject(cause), { id: 'error' }).catch(() => undefined);
// Outside of any run.
logger.emit({ body: 'outside', attributes: VALUES });
tracer.startActiveSpan('outside', (span) => span.end());

function texts(task) {
  for (const [name, text] of Object.entries(TEXTS)) {
    task.log('warn', text, { [name]: text, [text.slice(0, 50)]: name });
    task.addOutput(text.slice(0, 50));
    task.progress(0.5, text.slice(0, 50));
  }
}

function values(task) {
  task.log('info', 'values', { ...VALUES, ...DEEP_VALUES });
  for (const [name, value] of Object.entries(VALUES)) {
    if (typeof value === 'number') task.metric(name, value, { unit: 'é', labels: { [name]: '' } });
  }
}

function logRecords() {
  logger.emit({});
  for (const body of [...Object.values(VALUES), ...Object.values(DEEP_VALUES)]) logger.emit({ body });
  for (const severityNumber of [0, 1, 4, 9, 24]) logger.emit({ severityNumber, severityText: 'Own', body: 'severity' });
  logger.emit({ eventName: 'own.event', body: 'event', attributes: { ...VALUES, ...DEEP_VALUES } });
  logger.emit({ timestamp: 0, observedTimestamp: 0, body: 'epoch' });
  logger.emit({ timestamp: [1_700_000_000, 999_999_999], body: 'nanoseconds' });
  logger.emit({ timestamp: new Date(1_700_000_000_123), body: 'date' });
}

function spans() {
  for (const kind of [SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER]) {
    const span = tracer.startSpan(`kind ${kind}`, {
      kind,
      attributes: VALUES,
      links: [link(), { ...link(), attributes: VALUES }],
    });
    span.addEvent('event', VALUES);
    span.addEvent('', {}, new Date(0));
    for (const [name, text] of Object.entries(TEXTS)) span.addEvent(name, { text });
    span.setStatus({
      code: kind === SpanKind.SERVER ? SpanStatusCode.OK : SpanStatusCode.ERROR,
      message: TEXTS.surrogates,
    });
    span.recordException(new TypeError(TEXTS.newline));
    span.end();
  }
  for (let at = 0; at < 300; at++) tracer.startSpan('many', { attributes: { at } }).end();
  const crowded = tracer.startSpan('crowded', {
    attributes: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`key ${at}`, at])),
    links: Array.from({ length: 200 }, link),
  });
  for (let at = 0; at < 200; at++) crowded.addEvent(`event ${at}`);
  crowded.end();
  const remote = trace.setSpanContext(ROOT_CONTEXT, link().context);
  tracer.startSpan('below a remote parent', {}, remote).end();
}

function link() {
  return {
    context: {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
      traceState: createTraceState('vendor=a b,other=1'),
    },
  };
}
