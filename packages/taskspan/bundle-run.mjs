/**
 * Puts `taskspan run` and all that it needs into one file, `dist/run-bundle.js`: nearly two hundred files take Node three
 * times as long to load. What a command needs only sometimes (the SDKs, the exporters) stays outside.
 */
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('dist/', import.meta.url));

await build({
  entryPoints: [`${dist}run-command.js`],
  outfile: `${dist}run-bundle.js`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: [
    './otlp-export.js',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-*',
    '@taskspan/delivery',
    '@taskspan/metrics',
  ],
  // The API is CommonJS, and asks for modules of Node.
  banner: {
    js: `import { createRequire as bundleRequire } from 'node:module'; const require = bundleRequire(import.meta.url);`,
  },
  legalComments: 'eof',
  logLevel: 'warning',
});

// npm makes the command of a workspace executable when it installs, which is before there is one.
chmodSync(`${dist}cli.js`, 0o755);
