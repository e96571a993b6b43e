/** `docs/rest.md`, made from the OpenAPI document and the tables behind it. */
import type { JsonSchema } from './json-schema.ts';
import { LIMITS, type LimitName } from './limits.ts';
import { type OpenApiDocument, type OpenApiOperation, openApiDocument } from './openapi.ts';
import { PROBLEMS, type ProblemCode } from './problem.ts';

const HEAD = `# REST API

Made from the OpenAPI document of \`@taskspan/server\`; do not edit by hand. The server has the same document at
\`/openapi.json\`.

\`\`\`sh
taskspan serve                                                     # http://127.0.0.1:4390, or the next free port, which it prints
curl -s 'http://127.0.0.1:4390/api/v1/jobs?status=failure&from=2026-01-27'
curl -s 'http://127.0.0.1:4390/api/v1/jobs/nightly-42/logs?level=warn&since=2026-01-27T10:30:00Z'
curl -sN 'http://127.0.0.1:4390/api/v1/jobs/nightly-42/logs/stream'  # follows the run until it has ended
\`\`\`

The command line asks the same reader: \`taskspan jobs\`, \`taskspan logs\` and \`taskspan metrics\` with \`--json\` give what
stands here. \`--dir a --dir b\` reads several folders as one. Meanwhile the server keeps the log files of the first within
[their limits](operate.md); with \`--no-prune\` it deletes and compresses nothing.

## Conventions

- Names are snake_case. Instants are RFC 3339 in UTC; days are those of UTC, and both ends of a range are included.
- Lists come in pages. \`has_more\` is exact; \`next_cursor\` goes into \`cursor\` of the next request, as it is.
- A parameter that a path does not have, that is given twice, or that is not understood is a 400 that names it.
- What is refused has a problem document of RFC 9457 as body, \`application/problem+json\`, with a \`code\` from the
  [table](#problems).
- Ids are percent-encoded: the run \`a/b\` is at \`/api/v1/jobs/a%2Fb\`.
- Only GET and HEAD are answered. Nothing here changes anything.

## Who may read

The server listens on 127.0.0.1 alone, unless told otherwise by \`--host\`; an address that others can reach is refused
without a token. With one, every request but those of \`/healthz\` and \`/openapi.json\` must bear it, on loopback too:

\`\`\`sh
TASKSPAN_TOKEN=$(openssl rand -hex 32) taskspan serve --host 0.0.0.0 --allowed-host tasks.example
curl -s -H "Authorization: Bearer $TASKSPAN_TOKEN" http://tasks.example:4390/api/v1/jobs
\`\`\`

- \`TASKSPAN_SERVICE_TOKENS=mail=…,shop=…\` (or \`--service-token\`) are tokens that each show the runs of one
  \`service.name\`; others are unknown to them. They do not open \`/api/v1/metrics\`, which is about all.
- Against web pages that have their own name resolved to this address, \`Host\` must be a loopback name, the address that
  the connection came in at, the name in \`--host\`, or one of \`--allowed-host\`: else 421. A page of another origin gets a
  403, and no answer allows other origins to read it (no CORS).
- The server speaks plain HTTP. Where others can listen in, put a proxy with TLS in front, and name it in
  \`--allowed-host\`.

## A log as it is written

\`/api/v1/jobs/{id}/logs/stream\` sends what there is after \`since\` or \`cursor\`, then what comes:

\`\`\`
id: <cursor>
event: entry
data: {"timestamp":"2026-01-27T10:30:45.000000001Z","job_id":"nightly-42","outputs":[],"sequence_number":7,"log":{…}}

id: end
event: end
data: {}
\`\`\`

\`end\` comes when the latest run under the id has ended; then the stream closes. A client that lost the connection comes
back with \`Last-Event-ID\`, as browsers do by themselves, and misses nothing. When the server ends, the stream breaks off
without \`end\`.

## Metrics for Prometheus

\`\`\`yaml
scrape_configs:
  - job_name: taskspan-files
    metrics_path: /api/v1/metrics
    honor_labels: true
    static_configs: [{ targets: ['127.0.0.1:4390'] }]
    # authorization: { credentials_file: /etc/prometheus/taskspan-token }
\`\`\`
`;

/** The whole page as Markdown. */
export function restDocs(): string {
  const document = openApiDocument();
  return [
    HEAD,
    '\n## Routes\n',
    ...Object.entries(document.paths).map(([path, { get }]) => routeDocs(path, get)),
    '\n## Answers\n',
    ...Object.entries(document.components.schemas).map(([name, schema]) => schemaDocs(name, schema, document)),
    '\n## Problems\n\n',
    table(
      ['code', 'status', 'when'],
      (Object.keys(PROBLEMS) as ProblemCode[]).map((code) => [
        `\`${code}\``,
        `${PROBLEMS[code].status} ${PROBLEMS[code].title}`,
        PROBLEMS[code].meaning,
      ]),
    ),
    '\n## Limits\n\nOf `startServer({ limits })`.\n\n',
    table(
      ['limit', 'default', 'meaning'],
      (Object.keys(LIMITS) as LimitName[]).map((name) => [
        `\`${name}\``,
        String(LIMITS[name].value),
        LIMITS[name].meaning,
      ]),
    ),
  ].join('');
}

function routeDocs(path: string, operation: OpenApiOperation): string {
  const [success] = Object.entries(operation.responses);
  const [type = '', { schema = undefined } = {}] = Object.entries(success?.[1].content ?? {})[0] ?? [];
  const answer = schema?.$ref === undefined ? `\`${type}\`` : linkTo(schema.$ref);
  const refusals = Object.entries(operation.responses)
    .slice(1)
    .map(([status]) => status);
  const rows = operation.parameters.map(({ name, in: place, description, schema: shape, required }) => [
    `\`${name}\``,
    place,
    typeText(shape) + (required ? ', required' : ''),
    description + (shape.default === undefined ? '' : ` Default: ${shape.default}.`),
  ]);
  return [
    `\n### \`GET ${path}\`\n\n`,
    `${operation.summary}. ${operation.description}\n\n`,
    rows.length === 0 ? '' : `${table(['parameter', 'in', 'type', 'meaning'], rows)}\n`,
    `Answers 200 with ${answer}: ${lowerFirst(success?.[1].description ?? '')} Else: ${refusals.join(', ')}.\n`,
  ].join('');
}

function schemaDocs(name: string, schema: JsonSchema, document: OpenApiDocument): string {
  const description = schema.description === undefined ? '' : `${schema.description}\n\n`;
  return `\n### ${name}\n\n${description}${table(['field', 'type', 'meaning'], fieldRows(schema, '', document))}`;
}

/** A row for each field, and for those of the objects in it. */
function fieldRows(schema: JsonSchema, prefix: string, document: OpenApiDocument): string[][] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    const optional = required.includes(name) ? '' : ', may be missing';
    const row = [`\`${prefix}${name}\``, typeText(field) + optional, field.description ?? ''];
    const inner = field.type === 'array' ? field.items : field;
    const below = field.type === 'array' ? `${prefix}${name}[].` : `${prefix}${name}.`;
    return [row, ...(inner === undefined ? [] : fieldRows(inner, below, document))];
  });
}

function typeText(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return linkTo(schema.$ref);
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `array of ${schema.items === undefined ? 'anything' : typeText(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return `object of ${typeText(schema.additionalProperties)}`;
  const type = typeof schema.type === 'string' ? schema.type : (schema.type ?? []).join(' or ');
  const range =
    schema.minimum === undefined
      ? ''
      : ` ${schema.minimum}${schema.maximum === undefined ? '…' : `…${schema.maximum}`}`;
  return `${type}${schema.format === undefined ? '' : ` (${schema.format})`}${range}`;
}

function linkTo(ref: string): string {
  const name = ref.slice(ref.lastIndexOf('/') + 1);
  return `[${name}](#${name.toLowerCase()})`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}
