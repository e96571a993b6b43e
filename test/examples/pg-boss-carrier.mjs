import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { start } from 'taskspan';

start({ instrumentations: ['-pg-boss'] });
const PgBossInstrumentation = LIBRARIES.find((e) => e.name === 'pg-boss').load();
new PgBossInstrumentation({ carrier: 'data' });
