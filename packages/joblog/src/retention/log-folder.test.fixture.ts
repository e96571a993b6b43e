/** A logs folder whose files are as old as a test wants them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const HOUR_MS = 3_600_000;
/** Noon: hours before it are of the same day. */
export const NOW_MS: number = Date.parse('2026-05-10T12:00:00Z');

const line = (eventName: string): string =>
  `${JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: '"eventName":"task.started"' }, eventName }] }] }] })}\n`;

export const STARTED: string = line('task.started');
export const ENDED: string = STARTED + line('task.ended');

export class LogFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'taskspan-retention-'));

  /** @param file below the folder */
  write(file: string, { text = ENDED, hoursOld = 48 }: { text?: string; hoursOld?: number } = {}): string {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    const seconds = (NOW_MS - hoursOld * HOUR_MS) / 1000;
    utimesSync(path, seconds, seconds);
    return path;
  }

  /** Paths below the folder of all files, those of the retention itself aside. */
  files(): string[] {
    return readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.retention'))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1))
      .sort();
  }

  days(): string[] {
    return readdirSync(this.path)
      .filter((name) => /^\d{4}-/.test(name))
      .sort();
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
