/** Files of environment variables, as systemd and containers have them. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { UsageError } from './run-options.ts';

type Variables = Record<string, string | undefined>;

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/**
 * Adds the variables of files to those of this process. What is set already wins, as with Node's own `--env-file`; of two
 * files, the later one. They are for this process, too.
 *
 * @throws UsageError when one cannot be read, naming the file, and the line without what it says: it may be a secret
 */
export function applyEnvFiles(files: readonly string[], env: Variables = process.env): void {
  const variables: Variables = {};
  const texts = files.map(readText);
  for (const [at, text] of texts.entries()) Object.assign(variables, readVariables(text, String(files[at])));
  takeBack(texts, env);
  Object.assign(env, { ...variables, ...env });
}

/**
 * Lines of `NAME=value`: everything behind `=` is the value, less the white space around it and one pair of quotes. Only a
 * line that begins with `#` is a comment.
 *
 * @throws UsageError
 */
export function readVariables(text: string, file: string): Variables {
  const variables: Variables = {};
  for (const [at, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = line
      .slice(0, Math.max(0, equals))
      .trim()
      .replace(/^export\s+/, '');
    if (!NAME.test(name)) throw wrong(file, `line ${at + 1} is not NAME=value`);
    const value = line.slice(equals + 1).trim();
    const quote = value[0];
    const isQuoted = quote === '"' || quote === "'";
    if (isQuoted && (value.length < 2 || !value.endsWith(quote))) {
      throw wrong(file, `line ${at + 1}: the value of ${name} begins with a quote that has no end in this line`);
    }
    variables[name] = isQuoted ? value.slice(1, -1) : value;
  }
  return variables;
}

/** Some versions of Node look for `--env-file` wherever it stands, and have read it by their own rules by now. */
function takeBack(texts: readonly string[], env: Variables): void {
  const given = env === process.env ? givenNames() : undefined;
  for (const text of texts) {
    for (const [name, value] of Object.entries(parseEnv(text))) {
      const isGiven = given === undefined ? env[name] !== value : given.has(name);
      if (!isGiven) delete env[name];
    }
  }
}

/** Names of the variables that this process was started with; undefined where the system does not tell. */
function givenNames(): ReadonlySet<string> | undefined {
  try {
    const pairs = readFileSync('/proc/self/environ', 'utf8').split('\0');
    return new Set(pairs.map((pair) => pair.slice(0, pair.indexOf('='))));
  } catch {
    // Not Linux.
    return undefined;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong(file, (error as Error).message);
  }
}

function wrong(file: string, what: string): UsageError {
  return new UsageError(`option '--env-file <file>' argument '${file}' is invalid: ${what}`);
}
