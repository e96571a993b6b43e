import { Writable } from 'node:stream';
import winston from 'winston';

/** Where printed lines go; the live view takes this over, so that a log line does not tear its block apart. */
let print = (/** @type {string} */ line) => console.error(line);
let verbose = false;

/** The jobs log every git command: too much to print, unless asked for. */
const shown = winston.format((info) => (verbose || info.level !== 'info' ? info : false));
const layout = winston.format.printf(({ level, message }) => `          ${level.padEnd(12)}${message}`);

const screen = new Writable({
  write(chunk, _encoding, done) {
    print(String(chunk).trimEnd());
    done();
  },
});

/** The application's logger. */
export const logger = winston.createLogger({
  level: 'info',
  transports: [new winston.transports.Stream({ stream: screen, format: winston.format.combine(shown(), layout) })],
});

/**
 * @param {{verbose: boolean, print: (line: string) => void}} options
 */
export function configureLogger(options) {
  verbose = options.verbose;
  print = options.print;
}
