/** The log bridges alone: register loads them without the job libraries. */

export type { BridgeConfig } from './bridge-config.ts';
export { ConsoleBridge } from './console-bridge.ts';
export { OFFICIAL_INSTRUMENTATIONS } from './official-instrumentations.ts';
export { PinoBridge } from './pino-bridge.ts';
export { WinstonBridge } from './winston-bridge.ts';
