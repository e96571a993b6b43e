import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;
const HEAD_BYTES = 12;
/** A response, authoritative, no error. */
const ANSWERED = 0x8400;
/** Points at the name in the question, which follows the head. */
const NAME_OF_QUESTION = 0xc000 | HEAD_BYTES;

/** A DNS server on the loopback address that knows one thing: every name has these IPv4 addresses. */
export class NameServer {
  /** `host:port` */
  readonly address: string;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
  }

  static async start(addresses: readonly string[]): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.on('message', (question: Buffer, { port, address }: RemoteInfo) => {
      socket.send(answer(question, addresses), port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket);
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** The answer of RFC 1035 to a message with one question; none to what is not asked for IPv4 addresses. */
function answer(message: Buffer, addresses: readonly string[]): Buffer {
  const nameEnd = message.indexOf(0, HEAD_BYTES);
  const question = message.subarray(HEAD_BYTES, nameEnd + 5);
  const found = message.readUInt16BE(nameEnd + 1) === TYPE_A ? addresses : [];
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(message.readUInt16BE(0), 0);
  head.writeUInt16BE(ANSWERED, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found.length, 6);
  return Buffer.concat([head, question, ...found.map(record)]);
}

function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(NAME_OF_QUESTION, 0);
  bytes.writeUInt16BE(TYPE_A, 2);
  // Class IN, to be kept for a second, 4 bytes of address.
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt32BE(1, 6);
  bytes.writeUInt16BE(4, 10);
  Buffer.from(address.split('.').map(Number)).copy(bytes, 12);
  return bytes;
}
