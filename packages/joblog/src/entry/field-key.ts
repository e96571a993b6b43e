/**
 * Keys of an entry's fields and the attributes of its record. Most are the same. A field that is named like an
 * attribute which stands elsewhere in an entry keeps apart from it by a prefix.
 */
import { ATTR, ATTRIBUTES } from '@taskspan/core';

const APART = 'field.';

const EVERY: readonly string[] = [ATTR.TASK_ID, ATTR.TASK_OUTPUTS, ATTR.TASK_SEQUENCE];

/** Whose fields they are: of a log line, of an event of the toolkit, of one that a program of the run made up. */
export type FieldOwner = 'log' | 'ownEvent' | 'customEvent';

/** Attributes that such an entry shows elsewhere than among its fields. */
const ELSEWHERE: Readonly<Record<FieldOwner, ReadonlySet<string>>> = {
  log: new Set(EVERY),
  ownEvent: new Set([...EVERY, ATTR.TASK_LABEL]),
  customEvent: new Set([...EVERY, ATTR.TASK_LABEL, ATTR.EVENT_TYPE]),
};

function isApart(owner: FieldOwner, key: string): boolean {
  return ELSEWHERE[owner].has(key.startsWith(APART) ? withoutPrefixes(key) : key);
}

/** With a prefix more, a name is still another one. */
function withoutPrefixes(key: string): string {
  return key.replace(/^(?:field\.)+/, '');
}

/** The attribute that carries a field. */
export function attributeKey(owner: FieldOwner, field: string): string {
  return isApart(owner, field) ? APART + field : field;
}

/** The field that an attribute carries; undefined for an attribute that stands elsewhere in the entry. */
export function fieldKey(owner: FieldOwner, attribute: string): string | undefined {
  if (!isApart(owner, attribute)) return attribute;
  return attribute.startsWith(APART) ? attribute.slice(APART.length) : undefined;
}

/** What is said of a run by nobody but its owner. */
const OWNED: ReadonlySet<string> = new Set([
  ATTR.OPERATION,
  'event.name',
  ...Object.keys(ATTRIBUTES).filter((key) => key.startsWith('task.')),
]);

/** The name of a field that a program of the run told: what it calls like something of the run stays its own word. */
export function toldField(field: string): string {
  return OWNED.has(withoutPrefixes(field)) ? APART + field : field;
}
