import { createHash } from 'node:crypto';
import { safely } from '@taskspan/core/hub';

/** Attributes of a message that carry its sender's context: SQS hands out only those that are asked for. */
const CARRIER_ATTRIBUTES = ['traceparent', 'tracestate', 'baggage'] as const;

interface MessageAttribute {
  readonly DataType?: string;
  readonly StringValue?: string;
  readonly BinaryValue?: Uint8Array;
}

type MessageAttributes = Record<string, MessageAttribute | undefined>;

/** What is read of a message, and what of it would tell that more was asked for. */
export interface CarryingMessage {
  MessageAttributes?: MessageAttributes;
  MD5OfMessageAttributes?: string;
}

interface ReceiveParams {
  readonly MessageAttributeNames?: readonly string[];
}

interface Received {
  readonly output?: { readonly Messages?: readonly CarryingMessage[] };
}

type Handler = (args: { readonly input: ReceiveParams }) => Promise<Received>;

/** What a client of the AWS SDK has, in the versions with middleware. */
export interface SqsClient {
  readonly middlewareStack?: { add?(middleware: (next: Handler) => Handler, options: object): void };
}

/** Parameters of calls for messages whose carriers are wanted. */
const wanted = new WeakSet<object>();
const prepared = new WeakSet<object>();
const carriers = new WeakMap<object, Record<string, string>>();

/**
 * Has a client ask for the carriers of the messages that one call of it receives. That is done below what the
 * application sees: the command that is sent is as it was made, and so are the messages. A client that is not one of the
 * AWS SDK's is left alone.
 *
 * @param params what the command is about to be made of
 */
export function askForCarriers(client: SqsClient | undefined, params: unknown): void {
  const stack = client?.middlewareStack;
  if (typeof params !== 'object' || params === null || typeof stack?.add !== 'function') return;
  wanted.add(params);
  if (prepared.has(stack)) return;
  prepared.add(stack);
  stack.add(askingForCarriers, { step: 'serialize', priority: 'high', name: 'taskspanCarrier', override: true });
}

/** The context of a message's sender; undefined where the message has none. */
export function carrierOf(message: CarryingMessage): Record<string, string> | undefined {
  return carriers.get(message) ?? readCarrier(message);
}

function readCarrier({ MessageAttributes: attributes }: CarryingMessage): Record<string, string> | undefined {
  if (attributes === undefined) return undefined;
  const carrier: Record<string, string> = {};
  for (const name of CARRIER_ATTRIBUTES) {
    const value = attributes[name]?.StringValue;
    if (value !== undefined) carrier[name] = value;
  }
  return carrier;
}

/** A middleware, which sees all that the client sends. */
const askingForCarriers =
  (next: Handler): Handler =>
  async (args) => {
    const { input } = args;
    const names = input.MessageAttributeNames ?? [];
    const added = wanted.has(input) ? CARRIER_ATTRIBUTES.filter((name) => !isAsked(name, names)) : [];
    if (added.length === 0) return await next(args);
    const received = await next({ ...args, input: { ...input, MessageAttributeNames: [...names, ...added] } });
    safely('taking carriers out of messages', () => {
      for (const message of received.output?.Messages ?? []) takeOut(message, added);
    });
    return received;
  };

/** Names may be patterns: `All`, `.*`, `trace.*`. */
function isAsked(attribute: string, names: readonly string[]): boolean {
  return names.some(
    (name) => name === 'All' || name === attribute || (name.endsWith('.*') && attribute.startsWith(name.slice(0, -2))),
  );
}

/** Makes a message what it had been without what was added to the question. */
function takeOut(message: CarryingMessage, added: readonly string[]): void {
  const { MessageAttributes: attributes } = message;
  if (attributes === undefined || !added.some((name) => name in attributes)) return;
  carriers.set(message, readCarrier(message) ?? {});
  const left = Object.entries(attributes).filter(([name]) => !added.includes(name));
  if (left.length === 0) {
    delete message.MessageAttributes;
    delete message.MD5OfMessageAttributes;
    return;
  }
  message.MessageAttributes = Object.fromEntries(left);
  if (message.MD5OfMessageAttributes !== undefined) message.MD5OfMessageAttributes = digestOf(left);
}

/**
 * As SQS makes it: of the attributes by name, each part after its length in four bytes, and a byte that says which kind
 * of value follows.
 */
function digestOf(attributes: readonly (readonly [string, MessageAttribute | undefined])[]): string {
  const hash = createHash('md5');
  const update = (part: string | Uint8Array): void => {
    const bytes = Buffer.from(part as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const [name, attribute] of attributes.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    update(name);
    update(attribute?.DataType ?? '');
    const binary = attribute?.BinaryValue;
    hash.update(Uint8Array.of(binary === undefined ? 1 : 2));
    update(binary ?? attribute?.StringValue ?? '');
  }
  return hash.digest('hex');
}
