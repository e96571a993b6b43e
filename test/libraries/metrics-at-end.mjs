// Loaded into an app after the toolkit: keeps what `/metrics` says when all work of the process is done.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { TASKSPAN_DIR = '', TASKSPAN_TEST_METRICS = '' } = process.env;

if (isMainThread) process.once('beforeExit', () => void keep());

async function keep() {
  const response = await fetch(metricsUrl());
  writeFileSync(join(TASKSPAN_TEST_METRICS, `${process.pid}.txt`), await response.text());
}

function metricsUrl() {
  const folder = join(TASKSPAN_DIR, 'processes');
  const entries = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  return entries.find((entry) => entry.pid === process.pid)?.metrics_url;
}
