/** What the tests of the spool share: folders that vanish afterwards, and bodies that say what they are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DropSignal } from '@taskspan/core/hub';
import { DeliveryReport } from '../delivery-report.ts';
import type { RequestBody } from '../send-result.ts';
import { Spool } from './spool.ts';
import type { SpoolItem } from './spool-item.ts';
import { parseFileName, serviceKey } from './spool-names.ts';
import type { SpoolOptions } from './spool-options.ts';
import { thisOwner } from './spool-owner.ts';

/** Whom all spools of these tests are for, unless they say otherwise. */
export const SERVICE: string = serviceKey('shop');

let nonces = 0;

/** Names that no other process of the same test makes either. */
export function nonce(): string {
  nonces += 1;
  return `t${process.pid}x${nonces}`;
}

export function tempFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'taskspan-spool-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function newSpool(root: string, options: Partial<SpoolOptions> = {}): Spool {
  const spool = new Spool({ root, maxBytes: 1024 * 1024, owner: thisOwner(), service: SERVICE, nonce, ...options });
  for (const signal of ['spans', 'logs', 'metrics'] as const) spool.setReport(new DeliveryReport(signal));
  return spool;
}

export function bodyOf(text: string, items = 1): RequestBody {
  return { bytes: Buffer.from(text), format: 'json', gzip: false, items };
}

export function itemOf(ordinal: number, text: string = String(ordinal), createdMs: number = Date.now()): SpoolItem {
  return { ordinal, createdMs, body: bodyOf(text) };
}

/** Text of all bodies below `root`, in the order of folder and name. */
export function textsBelow(root: string, signal: DropSignal = 'spans'): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .flatMap((path) => {
      const parsed = parseFileName(path.split(/[\\/]/).at(-1) ?? '');
      if (parsed?.signal !== signal) return [];
      const bytes = readFileSync(join(root, path));
      return [String(parsed.gzip ? gunzipSync(bytes) : bytes)];
    });
}
