/** Single settings, by the table: how each is spelled, which value is good, and what was wrong with those that are not. */
import { LIBRARIES, type LibraryEntry } from '@taskspan/instrumentations/libraries';
import {
  type ConfigOptions,
  type ConfigWarning,
  type Environment,
  LOG_BRIDGES,
  type LogBridge,
  PROPAGATORS,
  type PropagatorName,
} from './config-options.ts';
import { CONFIG, type ConfigEntry, INSTRUMENTATION_NAMES } from './config-table.ts';

type Option = keyof ConfigOptions;

/** A value that was set, and under which name. */
interface Given {
  readonly key: string;
  readonly value: string;
}

/** One item of the list of instrumentations: a bridge or a library. */
interface Switch {
  readonly bridge: LogBridge | undefined;
  readonly library: LibraryEntry | undefined;
  readonly on: boolean;
}

interface NumberRange {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

const ENTRIES: ReadonlyMap<Option, ConfigEntry> = new Map(
  CONFIG.flatMap((entry) => (entry.option === undefined ? [] : [[entry.option, entry] as const])),
);
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...['on', 'true', '1', 'yes'].map((word) => [word, true] as const),
  ...['off', 'false', '0', 'no'].map((word) => [word, false] as const),
]);

/** Reads single settings, and gathers what is wrong with them. */
export class ConfigSource {
  readonly warnings: ConfigWarning[] = [];
  readonly #env: Environment;
  readonly #options: ConfigOptions;

  constructor(env: Environment, options: ConfigOptions) {
    this.#env = env;
    this.#options = options;
  }

  text(option: Option): string | undefined {
    return this.#given(option)?.value;
  }

  flag(option: Option, fallback: boolean): boolean {
    const given = this.#given(option);
    if (given === undefined) return fallback;
    return SWITCHES.get(given.value.toLowerCase()) ?? this.#warn(given, fallback, fallback ? 'on' : 'off');
  }

  number(option: Option, range: NumberRange): number {
    const given = this.#given(option);
    if (given === undefined) return range.fallback;
    const value = Number(given.value);
    if (value >= range.least && value <= range.most && !(range.whole && !Number.isInteger(value))) return value;
    return this.#warn(given, range.fallback);
  }

  runFilesPerHour(): number | 'unlimited' {
    if (this.text('runFilesPerHour')?.toLowerCase() === 'unlimited') return 'unlimited';
    return this.number('runFilesPerHour', { fallback: 10_000, least: 0, most: Number.MAX_SAFE_INTEGER, whole: true });
  }

  oneOf<T extends string>(option: Option, allowed: readonly T[], fallback: T): T {
    const given = this.#given(option);
    if (given === undefined) return fallback;
    return allowed.find((value) => value === given.value.toLowerCase()) ?? this.#warn(given, fallback);
  }

  list(option: Option): string[] | undefined {
    const items = this.text(option)
      ?.split(',')
      .map((item) => item.trim());
    return items?.filter((item) => item !== '');
  }

  /** A list of known names; unknown ones are left out, `none` stands alone. Undefined when nothing usable is left. */
  #names(option: Option): string[] | undefined {
    const known = ENTRIES.get(option)?.values ?? [];
    const given = this.#given(option);
    const names = this.list(option)?.map((name) => name.toLowerCase());
    if (given === undefined || names === undefined) return undefined;
    const understood = names.filter((name) => known.includes(name));
    for (const name of names.filter((other) => !known.includes(other))) {
      const rest = understood.length > 0 ? understood.join() : 'the default';
      this.#warn({ key: given.key, value: name }, undefined, rest);
    }
    if (understood.length === 0) return undefined;
    if (understood.length > 1 && understood.includes('none')) return this.#warn(given, ['none'], 'none');
    return [...new Set(understood)];
  }

  exporters(option: Option, fallback: string): readonly string[] {
    return this.#names(option) ?? [fallback];
  }

  propagators(): readonly PropagatorName[] {
    const names = this.#names('propagators') ?? ['tracecontext', 'baggage'];
    return PROPAGATORS.filter((name) => name !== 'none' && names.includes(name));
  }

  /** `+name`, `-name` or `name`, in order; the switch of the console goes before the list. */
  bridges(): Record<LogBridge, boolean> {
    const bridges: Record<LogBridge, boolean> = { winston: true, pino: true, console: this.flag('console', false) };
    for (const { bridge, on } of this.#switches()) {
      if (bridge !== undefined) bridges[bridge] = on;
    }
    return bridges;
  }

  /**
   * Names of the job libraries that are on. The list of OpenTelemetry switches off, in its words a package or our name;
   * our own list goes before it.
   */
  libraries(): readonly string[] {
    const off = this.list('disabledInstrumentations')?.map((name) => name.toLowerCase()) ?? [];
    const on = new Set(
      LIBRARIES.filter((entry) => entry.byDefault && !off.some((name) => isLibrary(entry, name))).map(
        ({ name }) => name,
      ),
    );
    for (const { library, on: wanted } of this.#switches()) {
      if (library === undefined) continue;
      if (wanted) on.add(library.name);
      else on.delete(library.name);
    }
    return LIBRARIES.map(({ name }) => name).filter((name) => on.has(name));
  }

  /** What the list of instrumentations says, in order; names that nobody has are left out. */
  #switches(): Switch[] {
    return (this.list('instrumentations') ?? []).flatMap((item): Switch[] => {
      const name = item.replace(/^[+-]/, '').toLowerCase();
      const on = !item.startsWith('-');
      const bridge = LOG_BRIDGES.find((known) => known === name);
      const library = LIBRARIES.find((entry) => isLibrary(entry, name));
      if (bridge !== undefined || library !== undefined) return [{ bridge, library, on }];
      const known = `the other names of the list; known are ${INSTRUMENTATION_NAMES.join(', ')}`;
      return this.#warn({ key: this.#given('instrumentations')?.key ?? '', value: item }, [], known);
    });
  }

  namespace(): string | undefined {
    const given = this.#given('namespace');
    if (given === undefined || /^[A-Za-z][A-Za-z0-9_]*$/.test(given.value)) return given?.value.replace(/_+$/, '');
    return this.#warn(given, undefined, 'no prefix');
  }

  url(option: Option): string | undefined {
    const given = this.#given(option);
    if (given === undefined) return undefined;
    if (URL.canParse(given.value) && /^https?:$/.test(new URL(given.value).protocol)) return given.value;
    const value = given.value.replace(/\/\/[^/@]*@/, '//***@');
    return this.#warn({ key: given.key, value }, undefined, ENTRIES.get(option)?.default);
  }

  /** W3C Baggage form. One bad pair makes all of them void, as the specification of OpenTelemetry says. */
  attributes(option: 'resourceAttributes'): Readonly<Record<string, string | number>> {
    const inCode = this.#options[option];
    const fromCode = typeof inCode === 'object' && inCode !== null ? inCode : {};
    const given = this.#fromEnvironment(option);
    if (given === undefined) return { ...fromCode };
    const attributes: Record<string, string> = {};
    for (const pair of given.value.split(',').filter((text) => text.trim() !== '')) {
      const parsed = parsePair(pair);
      if (parsed === undefined) return this.#warn({ key: given.key, value: pair }, { ...fromCode }, 'none of the list');
      attributes[parsed.name] = parsed.value;
    }
    return { ...attributes, ...fromCode };
  }

  /** Code before environment. Numbers, booleans and lists in code are read like their text. */
  #given(option: Option): Given | undefined {
    const inCode: unknown = this.#options[option];
    if (inCode === undefined || inCode === null) return this.#fromEnvironment(option);
    if (Array.isArray(inCode)) return { key: option, value: inCode.map(String).join() };
    if (['string', 'number', 'boolean'].includes(typeof inCode)) {
      const value = String(inCode).trim();
      return value === '' ? undefined : { key: option, value };
    }
    this.#warn({ key: option, value: typeof inCode }, undefined, 'the environment');
    return this.#fromEnvironment(option);
  }

  #fromEnvironment(option: Option): Given | undefined {
    const entry = ENTRIES.get(option);
    if (entry === undefined) return undefined;
    for (const key of [entry.key, ...(entry.aliases ?? [])]) {
      const value = this.#env[key]?.trim();
      if (value !== undefined && value !== '') return { key, value };
    }
    return undefined;
  }

  /** Notes the warning once, and returns the fallback. */
  #warn<T>(given: Given, fallback: T, described = String(fallback)): T {
    const value = given.value.length > 80 ? `${given.value.slice(0, 80)}…` : given.value;
    const known = this.warnings.some((warning) => warning.key === given.key && warning.value === value);
    if (!known) this.warnings.push(Object.freeze({ key: given.key, value, fallback: described }));
    return fallback;
  }
}

/** A library may be named by its package too: `@nestjs/schedule` is what a reader of package.json knows. */
function isLibrary({ name, packages }: LibraryEntry, given: string): boolean {
  return name === given || packages.includes(given);
}

function parsePair(pair: string): { name: string; value: string } | undefined {
  const split = pair.indexOf('=');
  if (split < 1) return undefined;
  try {
    const name = decodeURIComponent(pair.slice(0, split).trim());
    const value = decodeURIComponent(
      pair
        .slice(split + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
    return name === '' ? undefined : { name, value };
  } catch {
    // A % that begins no valid escape: the pair cannot be read.
    return undefined;
  }
}
