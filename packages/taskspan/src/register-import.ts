/** `node --import taskspan/register app.js`: as `register.ts`, in a way that a thread survives which is terminated. */
import { isMainThread } from 'node:worker_threads';
import { registerInThread, registerNow } from './register-process.ts';

if (isMainThread) registerNow();
else await registerInThread();
