import assert from 'node:assert/strict';
import { Scrapers, scraperOf } from './scrapers.ts';

describe('scrapers', () => {
  it('are known from their second scrape on, each by itself', () => {
    const scrapers = new Scrapers();
    assert.equal(scrapers.next('one', 3), undefined);
    assert.equal(scrapers.next('one', 4), 3);
    assert.equal(scrapers.next('two', 5), undefined);
    assert.equal(scrapers.next('one', 9), 4);
  });

  it('are forgotten when there are many others', () => {
    const scrapers = new Scrapers();
    scrapers.next('one', 1);
    for (let other = 0; other < 64; other += 1) scrapers.next(`other-${other}`, 1);
    assert.equal(scrapers.next('one', 2), undefined);
    assert.equal(scrapers.next('other-63', 2), 1);
  });

  it('are told from people by what they send', () => {
    assert.equal(scraperOf({ 'user-agent': 'Prometheus/2.42.0' }, '10.0.0.1'), '10.0.0.1 Prometheus/2.42.0');
    assert.equal(scraperOf({ 'x-prometheus-scrape-timeout-seconds': '10' }, '10.0.0.1'), '10.0.0.1 ');
    assert.equal(scraperOf({ 'user-agent': 'curl/8.0' }, '10.0.0.1'), undefined);
    assert.equal(scraperOf({}, '10.0.0.1'), undefined);
    assert.ok((scraperOf({ 'user-agent': `Prometheus/${'x'.repeat(10_000)}` }, 'a')?.length ?? 0) < 300);
  });
});
