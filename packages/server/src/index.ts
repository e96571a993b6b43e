export type { AccessToken } from './access-tokens.ts';
export type { JobSource, MetricsSource } from './job-source.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export { type OpenApiDocument, openApiDocument } from './openapi.ts';
export { PROBLEMS, type ProblemCode, type ProblemDocument } from './problem.ts';
export { type JobServer, type ServerOptions, startServer } from './start-server.ts';
