/**
 * Packages with the names and the shape of kafkajs and amqplib, without a broker: they keep what an application hands
 * them, so that a test can deliver messages.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const FILES: Readonly<Record<string, string>> = {
  'kafkajs/package.json': JSON.stringify({ name: 'kafkajs', version: '2.2.4', main: 'index.js' }),
  'kafkajs/index.js': `
    class Kafka {
      producer() {
        return { sent: [], async send(record) { this.sent.push(record); }, async sendBatch() {}, async transaction() {} };
      }
      consumer() {
        return { async run(config) { this.config = config; } };
      }
    }
    exports.Kafka = Kafka;`,
  'amqplib/package.json': JSON.stringify({ name: 'amqplib', version: '2.3.1', main: 'channel_api.js' }),
  'amqplib/channel_api.js': `
    exports.Channel = require('./lib/channel_model').Channel;
    require('./lib/connect');`,
  'amqplib/lib/connect.js': 'exports.connect = () => {};',
  'amqplib/lib/channel_model.js': `
    const { EventEmitter } = require('node:events');
    class Channel extends EventEmitter {
      connection = {};
      published = [];
      publish(...args) { this.published.push(args); return true; }
      consume(queue, onMessage) { this.deliver = onMessage; return Promise.resolve({ consumerTag: 'tag' }); }
      ack() {}
      nack() {}
      reject() {}
      ackAll() {}
      nackAll() {}
    }
    class ConfirmChannel extends Channel {}
    Object.assign(Channel.prototype, { emit: EventEmitter.prototype.emit });
    Object.assign(exports, { Channel, ConfirmChannel });`,
};

export interface KafkaMessage {
  readonly key?: string;
  readonly value: string;
  readonly offset: string;
  readonly headers: Record<string, unknown>;
}

type Handler = (payload: unknown) => Promise<void>;

export interface FakeConsumer {
  readonly config: { readonly eachMessage?: Handler; readonly eachBatch?: Handler };
  run(config: { readonly eachMessage?: Handler; readonly eachBatch?: Handler }): Promise<void>;
}

interface FakeKafka {
  producer(): {
    readonly sent: readonly { readonly messages: readonly { readonly headers: Record<string, unknown> }[] }[];
    send(record: unknown): Promise<void>;
  };
  consumer(): FakeConsumer;
}

export interface FakeChannel {
  readonly published: readonly unknown[][];
  readonly deliver: (message: unknown) => void;
  publish(exchange: string, key: string, content: Buffer, options?: object): boolean;
  consume(queue: string, onMessage: (message: object | null) => unknown, options?: object): Promise<unknown>;
  ack(message: object, allUpTo?: boolean): void;
  nack(message: object, allUpTo?: boolean, requeue?: boolean): void;
  reject(message: object, requeue?: boolean): void;
  ackAll(): void;
  emit(event: string): boolean;
}

export interface FakePackages {
  kafka(): FakeKafka;
  channel(): FakeChannel;
  remove(): void;
}

/** Writes the packages into a new folder and loads them from there when they are asked for. */
export function fakePackages(): FakePackages {
  const folder = mkdtempSync(join(tmpdir(), 'taskspan-consumer-'));
  for (const [file, text] of Object.entries(FILES)) {
    const path = join(folder, 'node_modules', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const require = createRequire(join(folder, 'app.js'));
  const load = (name: string): unknown => require(name);
  return {
    kafka: () => new (load('kafkajs') as { readonly Kafka: new () => FakeKafka }).Kafka(),
    channel: () => new (load('amqplib') as { readonly Channel: new () => FakeChannel }).Channel(),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
