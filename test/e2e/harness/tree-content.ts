import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobLogPaths } from './job-log-tree.ts';

/** Attributes that say where a line lies, not what happened: who writes a file may add them, or take them away. */
const PATH_ATTRIBUTES: ReadonlySet<string> = new Set(['task.file', 'fileexporter.path_segment']);

type Fields = Readonly<Record<string, unknown>>;

/**
 * What the files of a tree say, file by file: {resource, scope, record or span} of each record and span as canonical
 * JSON text, sorted. Batches, the order of attributes and path attributes are no part of it, everything else is,
 * including how a number is written. So two trees are equal when two of these are.
 */
export function treeContent(folder: string): Map<string, string[]> {
  const content = new Map<string, string[]>();
  for (const path of jobLogPaths(folder)) {
    // Each process has a file for what belongs to no run, the Collector has one for all.
    const name = path.replace(/(^|[\\/])_process\.[0-9a-f]{8}\.jsonl$/, '$1_process.jsonl');
    const lines = readFileSync(join(folder, path), 'utf8').split('\n');
    const items = lines.filter((line) => line !== '').flatMap((line) => itemsOf(JSON.parse(line) as Fields));
    content.set(name, [...(content.get(name) ?? []), ...items].sort());
  }
  return content;
}

/** A tree's content and what to call it. */
export interface NamedContent {
  readonly name: string;
  readonly content: ReadonlyMap<string, readonly string[]>;
}

/** What one of two trees has and the other has not, for people: where, and how it differs from what is closest to it. */
export function treeDifferences(one: NamedContent, other: NamedContent): string[] {
  const files = [...new Set([...one.content.keys(), ...other.content.keys()])].sort();
  return files.flatMap((file) => {
    const ours = one.content.get(file);
    const theirs = other.content.get(file);
    if (ours === undefined || theirs === undefined)
      return [`${file}: only in ${ours === undefined ? other.name : one.name}`];
    return [
      ...without(ours, theirs).map((item) => `${file}, ${one.name} alone: ${contrast(item, without(theirs, ours))}`),
      ...without(theirs, ours).map((item) => `${file}, ${other.name} alone: ${contrast(item, without(ours, theirs))}`),
    ];
  });
}

/** The part of a text where it begins to differ from the one that it shares the most with. */
function contrast(text: string, others: readonly string[]): string {
  const at = Math.max(0, ...others.map((other) => sharedLength(text, other)));
  return `...${text.slice(Math.max(0, at - 80), at + 120)}...`;
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** What a multiset has more than another. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const item of others) left.set(item, (left.get(item) ?? 0) + 1);
  return items.filter((item) => {
    const count = left.get(item) ?? 0;
    left.set(item, count - 1);
    return count <= 0;
  });
}

function itemsOf(batch: Fields): string[] {
  return [
    ...groups(batch, ['resourceLogs', 'scopeLogs', 'logRecords']),
    ...groups(batch, ['resourceSpans', 'scopeSpans', 'spans']),
  ];
}

function groups(batch: Fields, [outer, middle, inner]: readonly [string, string, string]): string[] {
  return list(batch[outer]).flatMap((resourceGroup) =>
    list(resourceGroup[middle]).flatMap((scopeGroup) =>
      list(scopeGroup[inner]).map((item) =>
        JSON.stringify({
          resource: canonical(resourceGroup['resource']),
          resourceSchema: resourceGroup['schemaUrl'],
          scope: canonical(scopeGroup['scope']),
          scopeSchema: scopeGroup['schemaUrl'],
          [inner]: canonical(item),
        }),
      ),
    ),
  );
}

/** The same value with keys sorted, and lists of attributes sorted by key, without path attributes. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value as Fields).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([key, inner]) => {
      if (key !== 'attributes') return [key, canonical(inner)];
      const kept = list(inner).filter((attribute) => !PATH_ATTRIBUTES.has(String(attribute['key'])));
      const byKey = kept.map((attribute) => ({ key: String(attribute['key']), value: canonical(attribute['value']) }));
      return [key, byKey.sort((one, other) => (one.key < other.key ? -1 : 1))];
    }),
  );
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? (value as readonly Fields[]) : [];
}
