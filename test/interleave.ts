/** Rounds of every contender; the first ones warm up and are left out. */
const ROUNDS = 24;
const WARM_UP = 4;

export interface InterleaveOptions {
  /** Awaited calls per round and contender. */
  readonly calls?: number;
  /** Runs between two rounds, outside the measured time: queues drain here. */
  readonly between?: () => Promise<void> | void;
}

export interface Measured {
  /** Median nanoseconds per call. */
  readonly ns: number;
  /** Median CPU nanoseconds of the whole process per call, other threads included. */
  readonly cpuNs: number;
  /** Median of the ratios, round by round, to the first contender. */
  readonly ratio: number;
  readonly cpuRatio: number;
}

/**
 * Times contenders in turn, round by round, so that a machine whose speed drifts slows them all alike, and prints the
 * median of the ratios to the first one.
 */
export async function interleave(
  title: string,
  contenders: Readonly<Record<string, () => unknown>>,
  options: InterleaveOptions = {},
): Promise<Record<string, Measured>> {
  const calls = options.calls ?? 20_000;
  const names = Object.keys(contenders);
  const wall = new Map<string, number[]>(names.map((name) => [name, []]));
  const cpu = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) {
      const run = contenders[name] as () => unknown;
      const cpuStart = process.cpuUsage();
      const start = process.hrtime.bigint();
      for (let call = 0; call < calls; call += 1) await run();
      const elapsed = Number(process.hrtime.bigint() - start);
      // Work moved off the awaited path is part of the CPU figure.
      await options.between?.();
      const used = process.cpuUsage(cpuStart);
      if (round < WARM_UP) continue;
      wall.get(name)?.push(elapsed / calls);
      cpu.get(name)?.push(((used.user + used.system) * 1000) / calls);
    }
  }
  const [floor = ''] = names;
  const result: Record<string, Measured> = {};
  console.log(`\n${title} (${calls} calls x ${ROUNDS - WARM_UP} rounds)`);
  for (const name of names) {
    const measured = {
      ns: median(wall.get(name) ?? []),
      cpuNs: median(cpu.get(name) ?? []),
      ratio: median(ratios(wall.get(name), wall.get(floor))),
      cpuRatio: median(ratios(cpu.get(name), cpu.get(floor))),
    };
    result[name] = measured;
    console.log(
      `  ${name.padEnd(44)} ${measured.ns.toFixed(0).padStart(7)} ns awaited (${measured.ratio.toFixed(2)}x)` +
        ` ${measured.cpuNs.toFixed(0).padStart(7)} ns CPU (${measured.cpuRatio.toFixed(2)}x)`,
    );
  }
  return result;
}

function ratios(values: readonly number[] = [], floors: readonly number[] = []): number[] {
  return values.map((value, index) => value / (floors[index] ?? Number.NaN));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
