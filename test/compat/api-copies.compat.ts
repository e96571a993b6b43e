/**
 * Registering beside real releases of OpenTelemetry: several versions of the API, and SDKs that the app registers after
 * us. Installs packages, so it is no part of `npm test`: `npx mocha --spec test/compat/api-copies.compat.ts`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';

const DIST = new URL('../../packages/taskspan/dist/', import.meta.url).href;

/** An app that registers an SDK of its own, after us. */
interface Lane {
  readonly name: string;
  readonly packages: readonly string[];
  /** The Node that the SDK needs, from the package of that name; the running one if undefined. */
  readonly node?: string;
  /** Registers the SDK, which exports to `exporter`. `load` is `import` or `require`, as the app has it. */
  readonly sdk: string;
}

const TWO_DOT = `
  const { NodeTracerProvider, SimpleSpanProcessor, InMemorySpanExporter } = load('@opentelemetry/sdk-trace-node');
  exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();`;

const LANES: readonly Lane[] = [
  {
    name: 'api 1.9.0 and sdk-trace-node 2',
    packages: ['@opentelemetry/api@1.9.0', '@opentelemetry/sdk-trace-node@^2.0.0'],
    sdk: TWO_DOT,
  },
  {
    name: 'api 1.9.1 and sdk-trace-node 2',
    packages: ['@opentelemetry/api@1.9.1', '@opentelemetry/sdk-trace-node@^2.0.0'],
    sdk: TWO_DOT,
  },
  {
    name: 'api 1.10.0 and sdk-trace 3',
    packages: [
      '@opentelemetry/api@1.10.0',
      '@opentelemetry/sdk-trace@^3.0.0',
      '@opentelemetry/context-async-hooks@^3.0.0',
      'node@24',
    ],
    node: 'node_modules/node/bin/node',
    sdk: `
  const { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } = load('@opentelemetry/sdk-trace');
  const { AsyncLocalStorageContextManager } = load('@opentelemetry/context-async-hooks');
  exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  if (!api.trace.setGlobalTracerProvider(provider)) throw new Error('refused');
  if (!api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())) throw new Error('refused');`,
  },
];

/** Installs once per lane; the folder is complete as soon as it has its name. */
function installed(lane: Lane): string {
  const folder = join(tmpdir(), `taskspan-compat-${lane.packages.join('-').replaceAll(/[^a-z0-9.]+/g, '-')}`);
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  writeFileSync(join(building, 'package.json'), '{"name": "app", "private": true}');
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...lane.packages], { cwd: building, stdio: 'pipe' });
  renameSync(building, folder);
  return folder;
}

/** What stands before the app: our globals, with a provider that says `ours`. */
function preload(folder: string): string {
  return `
import { findApiCopies } from '${DIST}api-copies.js';
import { registerGlobals, yieldToLaterSdk } from '${DIST}global-slots.js';
const copies = findApiCopies({ script: ${JSON.stringify(join(folder, 'main.js'))} });
const span = { end() {}, owner: 'ours', spanContext: () => ({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }) };
const tracer = { startSpan: () => span, startActiveSpan: (...args) => args.at(-1)(span) };
const stored = { active: () => copies.api[0].modules[0].context, with: (c, fn, self, ...args) => fn.apply(self, args), bind: (c, t) => t, enable() { return this; }, disable() { return this; } };
const registration = registerGlobals(copies, { tracerProvider: { getTracer: () => tracer }, contextManager: stored });
globalThis.yields = [];
yieldToLaterSdk(copies, { registration, onYield: (event) => globalThis.yields.push(event.version) });
globalThis.ourApi = copies.api[0].modules.at(-1);
globalThis.copies = copies.api.map((copy) => copy.version);
`;
}

/** The app: an early tracer, then its SDK, then two spans, one below the other across an await. */
function main(lane: Lane): string {
  return `
const early = api.trace.getTracer('early');
const before = early.startSpan('before').owner;
let exporter;
${lane.sdk}
await early.startActiveSpan('outer', async (outer) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  api.trace.getTracer('late').startSpan('inner').end();
  globalThis.seenByUs = globalThis.ourApi.trace.getActiveSpan()?.spanContext().spanId === outer.spanContext().spanId;
  outer.end();
});
const [inner, outer] = exporter.getFinishedSpans();
console.log(JSON.stringify({
  before, yields: globalThis.yields, copies: globalThis.copies, seenByUs: globalThis.seenByUs,
  names: [inner?.name, outer?.name],
  linked: (inner?.parentSpanContext?.spanId ?? inner?.parentSpanId) === outer?.spanContext().spanId,
}));
`;
}

describe('an SDK that the app registers after us', () => {
  for (const lane of LANES) {
    for (const kind of ['mjs', 'cjs'] as const) {
      it(`works with ${lane.name}, ${kind === 'mjs' ? 'imported' : 'required'}`, function () {
        this.timeout(180_000);
        const folder = installed(lane);
        writeFileSync(join(folder, 'preload.mjs'), preload(folder));
        const script = join(folder, `main.${kind}`);
        const source = main(lane);
        writeFileSync(
          script,
          kind === 'mjs'
            ? `import * as api from '@opentelemetry/api';\n${source.replaceAll('load(', 'await import(')}`
            : `const api = require('@opentelemetry/api'); const load = require;\n(async () => {${source}})();`,
        );
        const node = lane.node === undefined ? process.execPath : join(folder, lane.node);
        const output = execFileSync(node, ['--import', './preload.mjs', script], { cwd: folder, stdio: 'pipe' });
        const said = JSON.parse(output.toString()) as Record<string, unknown>;
        const version = lane.packages[0]?.split('@').at(-1);
        assert.equal((said['copies'] as string[]).at(-1), version);
        assert.deepEqual(
          { ...said, copies: undefined },
          {
            before: 'ours',
            yields: [version],
            copies: undefined,
            seenByUs: true,
            names: ['inner', 'outer'],
            linked: true,
          },
        );
      });
    }
  }
});
