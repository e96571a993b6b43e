import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'mocha';
import { type ResourceOptions, readResource } from './resource.ts';

const APP = { folder: '/app', name: 'shop', version: '1.2.3' };

function resource(overrides: Partial<ResourceOptions> = {}): Readonly<Record<string, string | number>> {
  return readResource({
    serviceName: undefined,
    resourceAttributes: {},
    app: APP,
    script: '/app/dist/worker.mjs',
    ...overrides,
  });
}

describe('readResource', () => {
  it('says service, host and process, and no more', () => {
    const { 'service.instance.id': instance, ...rest } = resource();
    assert.match(String(instance), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, {
      'service.name': 'shop',
      'service.version': '1.2.3',
      'host.name': hostname(),
      'process.pid': process.pid,
    });
  });

  it('gives every process an instance id of its own, unless one is set', () => {
    assert.notEqual(resource()['service.instance.id'], resource()['service.instance.id']);
    const given = resource({ resourceAttributes: { 'service.instance.id': 'one' } });
    assert.equal(given['service.instance.id'], 'one');
  });

  const named = { 'service.name': 'attribute' };
  const unknown = { 'service.name': 'unknown_service:node' };
  const names: readonly (readonly [name: string, options: Partial<ResourceOptions>])[] = [
    ['variable', { serviceName: 'variable', resourceAttributes: named }],
    ['attribute', { resourceAttributes: named }],
    ['shop', {}],
    ['shop', { serviceName: 'unknown_service', resourceAttributes: unknown }],
    ['worker', { app: undefined }],
    ['node', { app: undefined, script: undefined }],
    ['node', { app: undefined, script: '-' }],
  ];
  for (const [name, options] of names) {
    it(`is named ${name} when given ${JSON.stringify(options)}`, () => {
      assert.equal(resource(options)['service.name'], name);
    });
  }

  it('takes deployment, Kubernetes and version from the attributes, but no command line', () => {
    const resourceAttributes = {
      'deployment.environment.name': 'prod',
      'k8s.pod.name': 'worker-1',
      'service.version': '9',
      'process.command_args': '--password=x',
      'process.command': 'node',
    };
    const attributes = resource({ resourceAttributes });
    assert.equal(attributes['deployment.environment.name'], 'prod');
    assert.equal(attributes['k8s.pod.name'], 'worker-1');
    assert.equal(attributes['service.version'], '9');
    assert.ok(!Object.keys(attributes).some((key) => key.startsWith('process.command')));
    assert.ok(Object.isFrozen(attributes));
  });
});
