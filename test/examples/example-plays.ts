/** What the examples are made to do by tests, the same whoever watches: started, given work, ended when all is done. */
import assert from 'node:assert/strict';
import { type ExampleEnd, ExampleProcess } from './example-process.ts';

/** How the programs of an example are watched. */
export interface Watch {
  /** Flags of node. */
  readonly flags: readonly string[];
  /** Environment of the program that goes by this service name. */
  env(service: string): Readonly<Record<string, string>>;
}

/** As they are. */
export const UNWATCHED: Watch = { flags: [], env: () => ({}) };

export const SHOP_ORDERS = 'shop-orders';
export const SHOP_WORKER = 'shop-worker';
export const PHOTO_WEB = 'photo-web';
export const PHOTO_WORKER = 'photo-worker';

export interface ShopEnds {
  readonly orders: ExampleEnd;
  readonly worker: ExampleEnd;
}

/** One order of two items is placed, and all becomes of it that there is in the README of `bullmq-app`. */
export async function playShop(redisUrl: string, { flags, env }: Watch): Promise<ShopEnds> {
  const common = { example: 'bullmq-app', flags };
  const own = { REDIS_URL: redisUrl };
  const worker = new ExampleProcess({ ...common, file: 'src/worker.js', env: { ...own, ...env(SHOP_WORKER) } });
  try {
    await worker.printed(/worker ready/);
    const orders = await new ExampleProcess({
      ...common,
      file: 'src/producer.js',
      args: ['order-7', 'lamp', 'chair'],
      env: { ...own, ...env(SHOP_ORDERS) },
    }).ended;
    await worker.printed(/"charged"/, /"shipped"/, /sent review-request/, /stock counted[\s\S]*stock counted/);
    return { orders, worker: await worker.end() };
  } finally {
    await worker.stop();
  }
}

export interface PhotoEnds {
  readonly web: ExampleEnd;
  readonly worker: ExampleEnd;
}

/** Two photos are taken, one of them none, and all becomes of them that there is in the README of `pg-boss-app`. */
export async function playPhotos(databaseUrl: string, { flags, env }: Watch): Promise<PhotoEnds> {
  const common = { example: 'pg-boss-app', flags };
  const own = { DATABASE_URL: databaseUrl, PORT: '0' };
  const setUp = await new ExampleProcess({ example: 'pg-boss-app', file: 'src/set-up.js', env: own }).ended;
  assert.equal(setUp.code, 0, setUp.stderr);
  const worker = new ExampleProcess({ ...common, file: 'src/worker.js', env: { ...own, ...env(PHOTO_WORKER) } });
  const web = new ExampleProcess({ ...common, file: 'src/web.js', env: { ...own, ...env(PHOTO_WEB) } });
  try {
    await Promise.all([worker.printed(/worker ready/), web.printed(/listening on/)]);
    const [url = ''] = /http:[\d./:]+/.exec(web.stdout) ?? [];
    await post(`${url}/photos`, { id: 'p1', file: 'two-red-boats.jpg', followers: 12 });
    await post(`${url}/photos`, { id: 'p2', file: 'notes.txt', followers: 3 });
    const each = (photo: string): RegExp[] => [
      new RegExp(`"${photo}".*"making thumbnail"`),
      new RegExp(`"${photo}".*"followers notified"`),
      new RegExp(`"${photo}".*"draft removed"`),
    ];
    await worker.printed(...each('p1'), ...each('p2'), /upload checked/, /upload refused/, /"notes"/, /"two"/);
    const [webEnd, workerEnd] = await Promise.all([web.end(), worker.end()]);
    return { web: webEnd, worker: workerEnd };
  } finally {
    await Promise.all([web.stop(), worker.stop()]);
  }
}

/** The Nest example, built before, with mail: some seconds of the clock. */
export async function playNest(redisUrl: string, { flags, env }: Watch): Promise<ExampleEnd> {
  const app = new ExampleProcess({
    example: 'nest-schedule-app',
    file: 'dist/main.js',
    flags,
    env: { REDIS_URL: redisUrl, ...env('nest-app') },
  });
  try {
    await app.printed(
      /warm$/m,
      /prices known[\s\S]*prices known/,
      /newsletter sent to ann@example\.com/,
      /newsletter sent to cid@example\.com/,
      /newsletter failed: not an address: bob \(gone\)/,
      /prices collected[\s\S]*prices collected[\s\S]*prices collected/,
      // The prices of that second come after the report: no run is open then that a signal could cut off.
      /sending the report[\s\S]*sending the report[\s\S]*prices collected/,
    );
    return await app.end();
  } finally {
    await app.stop();
  }
}

/** The example of scheduled jobs with one of its libraries: some seconds of the clock. */
export async function playCron(library: string, { flags, env }: Watch): Promise<ExampleEnd> {
  const app = new ExampleProcess({
    example: 'cron-app',
    file: 'src/main.js',
    args: [library],
    flags,
    env: env(`jobs-${library}`),
  });
  try {
    await app.printed(/9 prices so far/, /451 try again later/, /rebuild-index: done[\s\S]*rebuild-index: started/);
    return await app.end();
  } finally {
    await app.stop();
  }
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 202, await response.text());
}
