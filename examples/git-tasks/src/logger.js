import { Writable } from 'node:stream';
import winston from 'winston';

/** Where printed lines go; the live view takes this over, so that a log line does not tear its block apart. */
let print = (/** @type {string} */ line) => console.error(line);

const printed = new winston.transports.Stream({
  level: 'warn',
  stream: new Writable({
    write(chunk, _encoding, done) {
      print(String(chunk).trimEnd());
      done();
    },
  }),
});

/** The application's logger. It keeps `info`; what is printed is a matter of its transport. */
export const logger = winston.createLogger({
  level: 'info',
  format: winston.format.printf(({ level, message }) => `          ${level.padEnd(12)}${message}`),
  transports: [printed],
});

/**
 * @param {{verbose: boolean, print: (line: string) => void}} options
 */
export function configureLogger(options) {
  printed.level = options.verbose ? 'info' : 'warn';
  print = options.print;
}
