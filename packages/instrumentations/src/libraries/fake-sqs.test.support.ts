import type { CarryingMessage } from './sqs-carrier.ts';

/** What middleware of the AWS SDK's clients is given, and what it gives. */
interface Call {
  readonly input: { readonly MessageAttributeNames?: readonly string[] };
}
type Handler = (call: Call) => Promise<{ readonly output?: Output }>;
type Middleware = (next: Handler) => Handler;

interface Output {
  readonly Messages?: readonly CarryingMessage[];
}

/** A client with as much of the AWS SDK's middleware as has to be there, and messages of which it gives what is asked for. */
export class FakeSqs {
  /** Names that were asked for where SQS would have heard it. */
  readonly asked: (readonly string[] | undefined)[] = [];
  readonly added: object[] = [];
  readonly middlewareStack: { add(middleware: Middleware, options: object): void };
  readonly #messages: readonly CarryingMessage[];
  readonly #middleware: Middleware[] = [];

  constructor(messages: readonly CarryingMessage[] = []) {
    this.#messages = messages;
    this.middlewareStack = {
      add: (middleware, options) => {
        this.#middleware.push(middleware);
        this.added.push(options);
      },
    };
  }

  /** Messages for a command. */
  async send(command: Call): Promise<Output | undefined> {
    const receive: Handler = async ({ input }) => {
      this.asked.push(input.MessageAttributeNames);
      return { output: { Messages: this.#messages.map((message) => asAsked(message, input.MessageAttributeNames)) } };
    };
    const handler = this.#middleware.reduceRight((next, middleware) => middleware(next), receive);
    return (await handler(command)).output;
  }
}

function asAsked({ MessageAttributes, ...message }: CarryingMessage, names: readonly string[] = []): CarryingMessage {
  const given = Object.entries(MessageAttributes ?? {}).filter(
    ([name]) => names.includes(name) || names.includes('All'),
  );
  return given.length === 0 ? message : { ...message, MessageAttributes: Object.fromEntries(given) };
}
