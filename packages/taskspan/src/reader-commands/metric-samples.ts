/** The samples of a text in the Prometheus exposition format, as JSON has them. */

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A number, or the format's own word for one that JSON cannot say: `NaN`, `+Inf`, `-Inf`. */
  readonly value: number | string;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** Every sample of the text, in its order; comments are left out. */
export function samplesOf(text: string): readonly MetricSample[] {
  return text.split('\n').flatMap((line): MetricSample[] => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const number = Number(value);
    return [{ name, labels: labelsOf(labels), value: Number.isFinite(number) ? number : value }];
  });
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, key = '', value = '']) => [
      key,
      value.replace(/\\./g, (pair) => ESCAPES[pair] ?? pair),
    ]),
  );
}
