import type { Attributes } from '@opentelemetry/api';
import { FORMAT, FORMAT_KEY, SCOPE } from '../names.ts';
import { attributesJson, countJson, formatApart, textJson } from './any-value.ts';

/** Frames remembered; an application has a few dozen scopes. */
const FRAMES_REMEMBERED = 1024;

/** What is read of an OTel resource. */
export interface ResourceLike {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly schemaUrl?: string | undefined;
  readonly asyncAttributesPending?: boolean | undefined;
}

/** What is read of an instrumentation scope. */
export interface ScopeLike {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
  readonly attributes?: Attributes | Readonly<Record<string, unknown>> | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** What stands around the records of one resource and scope, formatted once. */
export interface Frame {
  /** `{"attributes":[…]}` */
  readonly resource: string;
  /** `,"schemaUrl":"…"` of the resource, or empty. */
  readonly resourceTail: string;
  /** `{"name":…}` */
  readonly scope: string;
  /** `,"schemaUrl":"…"` of the scope, or empty. */
  readonly scopeTail: string;
  readonly isAscii: boolean;
}

/** Frames by identity of resource and scope, which the SDK keeps stable. */
export class Frames {
  #known = new Map<ResourceLike, Map<ScopeLike, Frame>>();
  #count = 0;
  #lastResource: ResourceLike | undefined;
  #lastScope: ScopeLike | undefined;
  #last: Frame | undefined;
  /** The last one of a resource that is not complete. */
  #pending: Frame | undefined;

  of(resource: ResourceLike, scope: ScopeLike): Frame {
    if (resource === this.#lastResource && scope === this.#lastScope && this.#last !== undefined) return this.#last;
    if (resource.asyncAttributesPending === true) return this.#pendingFrame(resource, scope);
    let scopes = this.#known.get(resource);
    let frame = scopes?.get(scope);
    if (frame === undefined) {
      frame = frameOf(resource, scope);
      if (this.#count >= FRAMES_REMEMBERED) {
        this.#known.clear();
        this.#count = 0;
        scopes = undefined;
      }
      if (scopes === undefined) {
        scopes = new Map();
        this.#known.set(resource, scopes);
      }
      scopes.set(scope, frame);
      this.#count += 1;
    }
    this.#lastResource = resource;
    this.#lastScope = scope;
    this.#last = frame;
    return frame;
  }

  /** Detectors may still add to the resource: formatted anew until they are done, and one frame while they add nothing. */
  #pendingFrame(resource: ResourceLike, scope: ScopeLike): Frame {
    const frame = frameOf(resource, scope);
    if (this.#pending === undefined || !isSame(this.#pending, frame)) this.#pending = frame;
    return this.#pending;
  }
}

function frameOf(resource: ResourceLike, scope: ScopeLike): Frame {
  const { value, isAscii } = formatApart(() => ({
    resource: resourceJson(resource),
    resourceTail: schemaTail(resource.schemaUrl),
    scope: scopeJson(scope),
    scopeTail: schemaTail(scope.schemaUrl),
  }));
  return { ...value, isAscii };
}

function isSame(one: Frame, other: Frame): boolean {
  return (
    one.resource === other.resource &&
    one.resourceTail === other.resourceTail &&
    one.scope === other.scope &&
    one.scopeTail === other.scopeTail
  );
}

function resourceJson({ attributes }: ResourceLike): string {
  const json = attributesJson(attributes);
  return json === '' ? '{}' : `{"attributes":[${json}]}`;
}

function schemaTail(schemaUrl: string | undefined): string {
  return schemaUrl === undefined || schemaUrl === '' ? '' : `,"schemaUrl":${textJson(schemaUrl)}`;
}

/** The scope with the mark of the format when it is ours. */
function scopeJson(scope: ScopeLike): string {
  const marked = scope.name === SCOPE.name ? { ...scope.attributes, [FORMAT_KEY]: FORMAT } : scope.attributes;
  const fields: string[] = [];
  if (scope.name !== '') fields.push(`"name":${textJson(scope.name)}`);
  if (scope.version !== undefined && scope.version !== '') fields.push(`"version":${textJson(scope.version)}`);
  const attributes = marked === undefined ? '' : attributesJson(marked);
  if (attributes !== '') fields.push(`"attributes":[${attributes}]`);
  const dropped = countJson('droppedAttributesCount', scope.droppedAttributesCount).slice(1);
  if (dropped !== '') fields.push(dropped);
  return `{${fields.join(',')}}`;
}
