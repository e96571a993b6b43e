import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { startBoss } from './boss.js';
import { logger } from './logger.js';

/** After this the author cannot go back to the draft any more. */
const DRAFT_SECONDS = 1;

// What looks after the tables is the worker's business.
const boss = await startBoss({ supervise: false, schedule: false });
const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (error) => {
      logger.error({ error: error.message }, 'request failed');
      response.writeHead(error instanceof SyntaxError ? 400 : 500).end();
    },
  );
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  logger.info(`listening on http://127.0.0.1:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

/** @param {import('node:http').IncomingMessage} request */
async function answer(request) {
  const { method, url } = request;
  if (method === 'GET' && url === '/health') return { status: 200, body: { ok: true } };
  if (method === 'POST' && url === '/photos') {
    const photo = await json(request);
    return { status: 202, body: { jobs: await submitPhoto(photo) } };
  }
  return { status: 404, body: { error: `no ${method} ${url} here` } };
}

/**
 * @param {{id: string, file: string, followers: number}} photo
 * @returns {Promise<Record<string, string | null>>} id of each job
 */
async function submitPhoto(photo) {
  const jobs = {
    check: await boss.send('check-upload', photo),
    thumbnail: await boss.send('make-thumbnail', photo),
    notify: await boss.send('notify-followers', photo),
    draft: await boss.sendAfter('remove-draft', { id: photo.id }, {}, DRAFT_SECONDS),
  };
  const words = photo.file.replace(/\.\w+$/, '').split('-');
  await boss.insert(words.map((word) => ({ name: 'index-photos', data: { id: photo.id, word } })));
  logger.info({ photo: photo.id }, 'photo accepted');
  return jobs;
}

/** @param {string} signal */
async function stop(signal) {
  logger.info({ signal }, 'stopping');
  server.close();
  await boss.stop();
  logger.info('stopped');
}
