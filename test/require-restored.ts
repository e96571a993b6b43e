/**
 * Under mocha every instrumentation of OpenTelemetry hooks `require` for itself, and none of these hooks ever goes away:
 * after some thousand of them a worker of mocha spends its time in them, and then its stack. So what hooked `require` in
 * one file of tests is gone before the next.
 */
import * as nodeModule from 'node:module';

const loader = nodeModule.Module as unknown as { readonly prototype: { require: unknown } };
const { require } = loader.prototype;
const { getBuiltinModule } = process;

/** Root hooks of mocha; with files beside each other, they run for each. */
export const mochaHooks = {
  afterAll(): void {
    loader.prototype.require = require;
    if (getBuiltinModule !== undefined) process.getBuiltinModule = getBuiltinModule;
  },
};
