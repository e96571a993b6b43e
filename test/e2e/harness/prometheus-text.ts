/** One series with its value. */
export interface Sample {
  /** As in the text: a histogram has `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:\\.|[^"\\])*)"/g;

/** The text that Prometheus scrapes, read. */
export class PrometheusText {
  readonly samples: readonly Sample[];
  /** `counter`, `gauge` or `histogram` by the name of the family. */
  readonly types: ReadonlyMap<string, string>;

  constructor(text: string) {
    const lines = text.split('\n');
    this.samples = lines.flatMap((line) => {
      const [, name, labels = '', value] = LINE.exec(line) ?? [];
      return name === undefined ? [] : [{ name, labels: readLabels(labels), value: Number(value) }];
    });
    this.types = new Map(
      lines.flatMap((line) => {
        const [, name, type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
        return name === undefined || type === undefined ? [] : [[name, type] as const];
      }),
    );
  }

  /** Values of the series of this name. */
  values(name: string): number[] {
    return this.samples.filter((sample) => sample.name === name).map(({ value }) => value);
  }

  /** Sum of the series of this name that have all these labels; undefined when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const wanted = Object.entries(labels);
    const matching = this.samples.filter(
      (sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
    );
    return matching.length === 0 ? undefined : matching.reduce((sum, { value }) => sum + value, 0);
  }
}

function readLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, key = '', value = '']) => [key, unescaped(value)]));
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
