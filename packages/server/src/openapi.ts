import { SCOPE } from '@taskspan/core';
import { ANSWER_SCHEMAS } from './answer-schemas.ts';
import type { JsonSchema } from './json-schema.ts';
import { QUERY_PARAMETERS, type QueryName } from './parameters.ts';
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode } from './problem.ts';
import { ROUTES, type RouteName, type RouteSpec } from './routes.ts';

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly security: readonly unknown[];
  readonly paths: Readonly<Record<string, { readonly get: OpenApiOperation }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly OpenApiParameter[];
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
  readonly security?: readonly unknown[];
}

interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

interface OpenApiResponse {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
}

/** Any request may meet these. */
const EVERYWHERE: readonly ProblemCode[] = ['foreign_origin', 'misdirected', 'headers_too_large', 'internal'];

/** The OpenAPI 3.1 document of the REST API, made from the tables of routes, parameters, answers and problems. */
export function openApiDocument(): OpenApiDocument {
  const names = Object.keys(ROUTES) as RouteName[];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Taskspan',
      version: SCOPE.version,
      description: 'Runs, their logs and metrics, read from a store of job logs.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    // A token, or none: whether one is needed is up to how the server was started.
    security: [{ token: [] }, {}],
    paths: Object.fromEntries(names.map((name) => [ROUTES[name].path, { get: operationOf(name, ROUTES[name]) }])),
    components: {
      schemas: ANSWER_SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operationOf(operationId: string, route: RouteSpec): OpenApiOperation {
  return {
    operationId,
    summary: route.summary,
    description: route.description,
    parameters: [
      ...(route.path.includes('{id}') ? [ID] : []),
      ...route.query.map((name) => queryParameter(name, route)),
      ...(route.resumes === true ? [LAST_EVENT_ID] : []),
    ],
    responses: responsesOf(route),
    ...(route.isOpen === true ? { security: [{}] } : {}),
  };
}

const ID: OpenApiParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Id of the run, percent-encoded.',
  schema: { type: 'string', minLength: 1 },
};

const LAST_EVENT_ID: OpenApiParameter = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'Id of the last event that arrived: goes on after it, and before `cursor`.',
  schema: { type: 'string' },
};

function queryParameter(name: QueryName, route: RouteSpec): OpenApiParameter {
  const { meaning, schema } = QUERY_PARAMETERS[name];
  const isDefault = name === 'limit' && route.defaultLimit !== undefined;
  return {
    name,
    in: 'query',
    required: route.required?.includes(name) ?? false,
    description: meaning,
    schema: isDefault ? { ...schema, default: route.defaultLimit } : schema,
  };
}

function responsesOf(route: RouteSpec): Record<string, OpenApiResponse> {
  const { answer } = route;
  const responses: Record<string, OpenApiResponse> = {
    200: { description: answer.what, content: { [answer.type]: contentOf(answer) } },
  };
  if (route.resumes === true) responses['204'] = { description: 'The client has had `end` already.' };
  const codes: ProblemCode[] = [
    ...route.problems,
    ...(route.isOpen === true ? [] : (['unauthorized'] as const)),
    ...EVERYWHERE,
  ];
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    if (!codes.includes(code)) continue;
    const { status, meaning } = PROBLEMS[code];
    const before = responses[status];
    responses[status] = {
      description: before === undefined ? `\`${code}\`: ${meaning}` : `${before.description} \`${code}\`: ${meaning}`,
      content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return responses;
}

function contentOf(answer: RouteSpec['answer']): { schema?: JsonSchema } {
  if (answer.type !== 'application/json') return { schema: { type: 'string' } };
  return {
    schema: answer.schema === undefined ? { type: 'object' } : { $ref: `#/components/schemas/${answer.schema}` },
  };
}
