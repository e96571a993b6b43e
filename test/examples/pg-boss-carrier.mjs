// What an operator loads by `--import`, in the place of the flag, so that jobs of pg-boss carry in their data who sent them.
import { PgBossInstrumentation } from '@taskspan/instrumentations';
import { start } from 'taskspan';

start({ instrumentations: ['-pg-boss'] });
new PgBossInstrumentation({ carrier: 'data' });
