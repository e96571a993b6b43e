/**
 * What loads cost, on the real Collector: `npm run bench:e2e`. For each number of runs, a row for the files that the process
 * writes itself and one for those that the Collector writes; with one file for each run, and with the default budget. Then
 * an outage of a minute under 500 runs a second. Every row is checked: nothing is missing in the files.
 */
import { CollectorServer } from './harness/collector-server.ts';
import { Load, type LoadResult } from './harness/load.ts';
import { Outage } from './harness/outage.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

const RUNS = [1000, 5000, 20_000] as const;
const OUTAGE = { perSecond: 500, beforeSeconds: 10, awaySeconds: 60, afterSeconds: 20 } as const;
/** For 140 000 records. */
const TIMEOUT_MS = 300_000;

// Removed at the very end: ext4 looks for inodes around those that were freed a moment ago, and every row that comes after
// a removal would pay for it, up to a millisecond a file.
const scratch = new ScratchFolder();
let folders = 0;
try {
  await printRows();
  await printOutage();
} finally {
  scratch.remove();
}

async function printRows(): Promise<void> {
  console.log('runs x 5 lines   files written by     files   runs/s   app CPU s   app MiB   Collector CPU s   MiB');
  for (const runs of RUNS) {
    for (const filesPerHour of ['unlimited', undefined]) {
      printRow('the process', await embedded(runs, filesPerHour));
      printRow('the Collector', await collected(runs, filesPerHour));
    }
  }
}

async function embedded(runs: number, filesPerHour: string | undefined): Promise<LoadResult> {
  return await new Load({ runs, ...budget(filesPerHour), folder: newFolder() }).finish(TIMEOUT_MS);
}

async function collected(runs: number, filesPerHour: string | undefined): Promise<LoadResult> {
  const collector = await CollectorServer.start(newFolder());
  try {
    return await new Load({ runs, collector, ...budget(filesPerHour), folder: newFolder() }).finish(TIMEOUT_MS);
  } finally {
    await collector.stop();
  }
}

function newFolder(): string {
  folders += 1;
  return scratch.folder(String(folders));
}

function budget(filesPerHour: string | undefined): { readonly filesPerHour?: string } {
  return filesPerHour === undefined ? {} : { filesPerHour };
}

function printRow(writer: string, { runs, app, seconds, files, collector }: LoadResult): void {
  const cells = [
    [String(runs), 14],
    [writer, 19],
    [String(files), 9],
    [(runs / seconds).toFixed(0), 9],
    [app.cpuSeconds.toFixed(2), 12],
    [app.peakMebibytes.toFixed(0), 10],
    [collector?.cpuSeconds.toFixed(2) ?? '-', 18],
    [collector === undefined ? '-' : String(collector.peakMebibytes), 6],
  ] as const;
  console.log(cells.map(([text, width]) => text.padStart(width)).join(''));
}

async function printOutage(): Promise<void> {
  const collector = await CollectorServer.start(newFolder());
  try {
    const { perSecond, awaySeconds } = OUTAGE;
    console.log(`\nThe Collector is away for ${awaySeconds} s, under ${perSecond} runs a second:`);
    console.log(await new Outage(collector, { ...OUTAGE, folder: newFolder() }).pass());
  } finally {
    await collector.stop();
  }
}
