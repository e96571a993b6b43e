import assert from 'node:assert/strict';
import { JobLogReader } from '@taskspan/joblog';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { ask } from './http-client.test.fixture.ts';
import { ENDED, JobStore, STARTED } from './job-store.test.fixture.ts';
import { openApiDocument } from './openapi.ts';
import { PROBLEMS, type ProblemCode } from './problem.ts';
import { restDocs } from './rest-docs.ts';
import { ROUTES } from './routes.ts';
import { type JobServer, startServer } from './start-server.ts';

const document = openApiDocument();

describe('the OpenAPI document', () => {
  // Formats are words for readers here.
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allErrors: true,
    allowUnionTypes: true,
    formats: {},
    validateFormats: false,
  });
  ajv.addKeyword('components');
  ajv.addSchema({ $id: 'api', components: document.components });
  const validators = new Map<string, ValidateFunction>();

  let store: JobStore;
  let reader: JobLogReader;
  let server: JobServer;

  before(async () => {
    store = new JobStore();
    store.write({ id: 'rich', run: '00f067aa0ba902b7' }, [
      STARTED,
      { event: 'task.launched', attributes: { 'process.pid': 7 } },
      { body: 'a line', severity: 13, attributes: { rows: 3, 'log.iostream': 'stderr' } },
      { event: 'task.metric', attributes: { 'metric.name': 'rows', 'metric.value': 12, 'metric.label.stage': 'x' } },
      { event: 'task.progress', attributes: { 'task.progress': 0.5 } },
      { event: 'task.event', attributes: { 'event.type': 'checkpoint' } },
      { event: 'task.manifest', attributes: { 'manifest.metadata.a': 'b', 'task.label': 'label' } },
      ENDED,
    ]);
    store.write({ id: 'open', run: '00f067aa0ba902b8', operation: 'other' }, [STARTED]);
    store.writeText('2026-01-27/rich.jsonl', 'no line of ours\n{"resource');
    reader = new JobLogReader({ logs: store.logs });
    server = await startServer({ reader, port: 0 });
  });

  after(async () => {
    await server.close();
    await reader.close();
    store.remove();
  });

  function assertValid(ref: string, value: unknown): void {
    let validate = validators.get(ref);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `api${ref}` });
      validators.set(ref, validate);
    }
    assert.ok(
      validate(value),
      `${ref}: ${JSON.stringify(validate.errors, null, 1)}\n${JSON.stringify(value, null, 1)}`,
    );
  }

  for (const path of [
    '/api/v1/jobs',
    '/api/v1/jobs?limit=1',
    '/api/v1/jobs?from=2000-01-01&to=2000-01-02',
    '/api/v1/jobs/rich',
    '/api/v1/jobs/open',
    '/api/v1/jobs/rich/logs',
    '/api/v1/jobs/rich/logs?limit=2',
    '/api/v1/jobs/rich/metrics',
    '/api/v1/jobs/rich/trace',
    '/api/v1/search?q=line',
    '/healthz',
    '/openapi.json',
    '/api/v1/jobs/none',
    '/api/v1/jobs?limit=0',
    '/api/v1/search',
    '/nothing',
  ]) {
    it(`says what GET ${path} answers`, async () => {
      const answer = await ask(server.url + path);
      const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
      const value: unknown = JSON.parse(answer.text);
      if (path === '/nothing') {
        assertValid('#/components/schemas/Problem', value);
        return;
      }
      const route = Object.keys(document.paths).find((pattern) =>
        new RegExp(`^${pattern.replace('{id}', '[^/]+')}$`).test(path.split('?', 1)[0] ?? ''),
      );
      const responses = document.paths[route ?? '']?.get.responses ?? {};
      const schema = responses[answer.status]?.content?.[type]?.schema;
      assert.ok(schema, `${answer.status} ${type}`);
      if (schema.$ref !== undefined) assertValid(schema.$ref, value);
    });
  }

  it('is valid for what it refers to, and every schema for the validator', () => {
    for (const name of Object.keys(document.components.schemas)) {
      ajv.compile({ $ref: `api#/components/schemas/${name}` });
    }
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(
      refs.filter((name) => document.components.schemas[name ?? ''] === undefined),
      [],
    );
  });

  it('is what the server serves', async () => {
    assert.deepEqual(JSON.parse((await ask(`${server.url}/openapi.json`)).text), JSON.parse(JSON.stringify(document)));
  });

  it('has one operation for each route, each with an id of its own', () => {
    assert.deepEqual(
      Object.values(document.paths).map(({ get }) => get.operationId),
      Object.keys(ROUTES),
    );
    assert.equal(Object.keys(document.paths).length, Object.keys(ROUTES).length);
  });

  it('names every status that a problem can have', () => {
    for (const [code, { status }] of Object.entries(PROBLEMS)) {
      // These belong to no path.
      if ((['not_found', 'method_not_allowed'] as readonly string[]).includes(code)) continue;
      const named = Object.values(document.paths).some(({ get }) =>
        get.responses[status]?.description.includes(`\`${code as ProblemCode}\``),
      );
      assert.ok(named, code);
    }
  });
});

describe('the REST docs', () => {
  it('have every route, parameter, schema and problem', () => {
    const text = restDocs();
    for (const [path, { get }] of Object.entries(document.paths)) {
      const part = text.slice(text.indexOf(`### \`GET ${path}\``)).split('\n### ')[0] ?? '';
      for (const { name } of get.parameters)
        assert.match(part, new RegExp(`^\\| \`${name}\` \\|`, 'm'), `${path} ${name}`);
    }
    for (const name of Object.keys(document.components.schemas)) assert.ok(text.includes(`\n### ${name}\n`), name);
    for (const code of Object.keys(PROBLEMS)) assert.ok(text.includes(`\n| \`${code}\` |`), code);
  });
});
