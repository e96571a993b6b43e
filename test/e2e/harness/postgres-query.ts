/** The simple query of PostgreSQL's protocol (its documentation, "Frontend/Backend Protocol"), for users without password. */
import { connect } from 'node:net';

/** Values by column, as text. */
export type PostgresRow = Readonly<Record<string, string | null>>;

/** Protocol 3.0. */
const VERSION = 3 << 16;

/**
 * Runs statements over a connection of its own.
 *
 * @param url `postgres://user@host:port/database`
 * @returns the rows of all statements
 * @throws Error with the server's message, or when it cannot be reached
 */
export async function queryPostgres(url: string, sql: string): Promise<readonly PostgresRow[]> {
  const { hostname, port, username, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const rows: PostgresRow[] = [];
  let columns: readonly string[] = [];
  let isAsked = false;
  let failure: string | undefined;
  socket.write(startUp(['user', username, 'database', pathname.slice(1)]));
  let unread = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= 5 && unread.length > unread.readInt32BE(1)) {
        const length = unread.readInt32BE(1) + 1;
        const kind = String.fromCharCode(unread.readUInt8(0));
        const body = unread.subarray(5, length);
        unread = unread.subarray(length);
        if (kind === 'E') failure ??= errorMessage(body);
        if (kind === 'T') columns = columnNames(body);
        if (kind === 'D') rows.push(readRow(body, columns));
        // Ready for a query: the first time it has not been asked yet, the second time all is said.
        if (kind === 'Z' && isAsked) return ended(rows, failure);
        if (kind === 'Z') {
          socket.write(message('Q', `${sql}\0`));
          isAsked = true;
        }
      }
    }
  } finally {
    socket.destroy();
  }
  throw new Error(failure ?? 'PostgreSQL closed the connection');
}

function ended(rows: readonly PostgresRow[], failure: string | undefined): readonly PostgresRow[] {
  if (failure !== undefined) throw new Error(failure);
  return rows;
}

function startUp(parameters: readonly string[]): Buffer {
  const body = Buffer.from(`${parameters.join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(VERSION, 4);
  return Buffer.concat([head, body]);
}

function message(kind: string, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.write(kind, 0);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Fields of one letter and a text each; `M` is for people. */
function errorMessage(body: Buffer): string {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? fields.join(' ');
}

/** Each name is followed by 18 bytes about its type. */
function columnNames(body: Buffer): readonly string[] {
  const names: string[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const end = body.indexOf(0, at);
    names.push(body.toString('utf8', at, end));
    at = end + 19;
  }
  return names;
}

/** A length of -1 is null. */
function readRow(body: Buffer, columns: readonly string[]): PostgresRow {
  let at = 2;
  const values = columns.map((column): [string, string | null] => {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) return [column, null];
    at += length;
    return [column, body.toString('utf8', at - length, at)];
  });
  return Object.fromEntries(values);
}
