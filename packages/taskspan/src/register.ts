/**
 * `node --require taskspan/register app.js`, also in `NODE_OPTIONS`: starts the toolkit before the application. Does
 * nothing inside package managers and compilers, and never fails the process that loads it.
 */
import { registerNow } from './register-process.ts';

registerNow();
