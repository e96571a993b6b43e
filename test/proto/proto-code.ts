/** The TypeScript code of `proto/`, as it is to stand in the packages. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ROOT } from '../house/source-tree.ts';

/** Where the code stands, below the root of the project. */
export const PROTO_CODE = 'packages/joblog/src/entry/generated/joblog_pb.ts';

const PROGRAMS = join(ROOT, 'node_modules', '.bin');

const TEMPLATE = {
  version: 'v2',
  plugins: [{ local: 'protoc-gen-es', out: '.', opt: ['target=ts', 'import_extension=ts'] }],
};

/** Runs a program of the project's tools; throws with what it printed when it fails. */
export function runTool(program: string, args: readonly string[], input?: string): string {
  return execFileSync(join(PROGRAMS, program), args, {
    cwd: ROOT,
    encoding: 'utf8',
    // The generator is found by its name.
    env: { ...process.env, PATH: `${PROGRAMS}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  });
}

/** What the generator makes of the proto, in the forms of this project. */
export function protoCode(): string {
  const folder = mkdtempSync(join(tmpdir(), 'proto-code-'));
  try {
    runTool('buf', ['generate', 'proto', '--template', JSON.stringify(TEMPLATE), '-o', folder]);
    const generated = readFileSync(join(folder, 'taskspan', 'v1', 'joblog_pb.ts'), 'utf8');
    return runTool('biome', ['check', '--write', `--stdin-file-path=${PROTO_CODE}`], withoutEnums(generated));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An enum is code of its own; the project has constant objects instead, which are the same at run time but one way. */
function withoutEnums(code: string): string {
  return code.replace(/^export enum (\w+) \{$([\s\S]*?)^\}$/gm, (_, name: string, values: string) => {
    const entries = values.replace(/^( +\w+) = (\d+),$/gm, '$1: $2,');
    return `export const ${name} = {${entries}} as const;\n\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];`;
  });
}
