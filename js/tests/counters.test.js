import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import vm from 'node:vm';
import { Window } from 'happy-dom';
import { bundle } from '../build.mjs';
import { settle } from './clock.js';

/** What is read of a document in tests. @typedef {any} Doc */

const readable = await bundle('src/counters.js', true);
const shipped = await readFile(
  new URL('../../mkdocs_stats_plugin/assets/counters.js', import.meta.url),
  'utf8',
);
const TRACKER = 'https://stats.example/sub';

/** A page of a site with numbers of views, and the network before it. */
class Page {
  /** @type {string[]} */
  requests = [];
  /** What the network answers. @type {() => Promise<unknown>} */
  answer = async () => ({ json: async () => ({ counters: [] }) });

  /** @param {string} code @param {{ body?: string, readyState?: string, script?: boolean }} [options] */
  constructor(code, { body = '', readyState = 'complete', script = true } = {}) {
    this.code = code;
    /** @type {Doc} */
    this.document = new Window({ url: 'https://site.example/a/' }).document;
    this.document.body.innerHTML = body;
    const tag = this.document.createElement('script');
    tag.setAttribute('data-tracker', TRACKER);
    Object.defineProperty(this.document, 'currentScript', { value: script ? tag : null });
    Object.defineProperty(this.document, 'readyState', { get: () => readyState });
  }

  /** @param {[path: string, views: unknown][]} views */
  serve(views) {
    const counters = views.map(([path, number]) => ({ path, views: number }));
    this.answer = async () => ({ json: async () => ({ counters }) });
  }

  async run() {
    const fetch = (/** @type {string} */ url) => {
      this.requests.push(url);
      return this.answer();
    };
    vm.runInNewContext(this.code, { document: this.document, fetch });
    await settle();
  }

  get texts() {
    const elements = [...this.document.querySelectorAll('[data-stats-views]')];
    return elements.map((element) => element.textContent);
  }
}

/** @param {string[]} paths */
function spans(...paths) {
  return paths.map((path) => `<span data-stats-views="${path}">–</span>`).join('');
}

/** @param {string} url @returns {string[]} */
function pathsOf(url) {
  return new URL(url).searchParams.getAll('path');
}

// What is committed runs through the same tests as the source.
for (const [name, code] of Object.entries({ source: readable, shipped })) {
  describe(`counters, ${name}`, () => {
    it('ask once for all numbers of a page, and show each wherever it stands', async () => {
      const page = new Page(code, { body: spans('/a/', '/b/', '/a/') });
      page.serve([
        ['/b/', 7],
        ['/a/', 1_234_567],
      ]);
      await page.run();

      assert.equal(page.requests.length, 1);
      assert.ok(page.requests[0].startsWith(`${TRACKER}/api/counters?path=`));
      assert.deepEqual(pathsOf(page.requests[0]), ['/a/', '/b/']);
      assert.deepEqual(page.texts, ['1\u202f234\u202f567', '7', '1\u202f234\u202f567']);
    });

    it('group digits as the build does', async () => {
      const views = [0, 999, 1_000, 12_345, 100_000];
      const page = new Page(code, { body: spans(...views.map((number) => `/${number}/`)) });
      page.serve(views.map((number) => [`/${number}/`, number]));
      await page.run();

      assert.deepEqual(page.texts, ['0', '999', '1\u202f000', '12\u202f345', '100\u202f000']);
    });

    it('escape what would end a path or begin an escape', async () => {
      const page = new Page(code, {
        body: spans('/50%/', '/who?/', '/c#/', '/a&amp;b/', '/über/'),
      });
      await page.run();

      assert.deepEqual(pathsOf(page.requests[0]), [
        '/50%25/',
        '/who%3F/',
        '/c%23/',
        '/a&b/',
        '/über/',
      ]);
    });

    it('ask for no more than one request may', async () => {
      const paths = Array.from({ length: 201 }, (_, number) => `/${number}/`);
      const page = new Page(code, { body: spans(...paths) });
      await page.run();

      assert.deepEqual(pathsOf(page.requests[0]), paths.slice(0, 200));
    });

    it('ask nothing where no number stands', async () => {
      const page = new Page(code, { body: '<span data-stats="views"></span>' });
      await page.run();

      assert.deepEqual(page.requests, []);
    });

    it('wait for the end of the page', async () => {
      const page = new Page(code, { readyState: 'loading' });
      page.serve([['/a/', 3]]);
      await page.run();
      page.document.body.innerHTML = spans('/a/');
      assert.deepEqual(page.requests, []);
      page.document.dispatchEvent(new page.document.defaultView.Event('DOMContentLoaded'));
      await settle();

      assert.deepEqual(page.texts, ['3']);
    });

    for (const [what, answer] of Object.entries({
      'the tracker is away': async () => {
        throw new TypeError('Failed to fetch');
      },
      'the answer is no JSON': async () => ({ json: async () => JSON.parse('<html>') }),
      'the answer is another': async () => ({ json: async () => ({ error: 'path: is wrong' }) }),
      'the number is none': async () => ({
        json: async () => ({ counters: [{ path: '/a/', views: '<b>9</b>' }] }),
      }),
      'the page is not named': async () => ({
        json: async () => ({ counters: [{ path: '/other/', views: 9 }] }),
      }),
    })) {
      it(`leave the number of the build where ${what}`, async () => {
        const page = new Page(code, { body: '<span data-stats-views="/a/">12</span>' });
        page.answer = answer;
        await page.run();

        assert.equal(page.requests.length, 1);
        assert.deepEqual(page.texts, ['12']);
      });
    }

    it('ask the own host when the script was put into the page by another', async () => {
      const page = new Page(code, { body: spans('/a/'), script: false });
      await page.run();

      assert.deepEqual(page.requests, ['/api/counters?path=%2Fa%2F']);
    });
  });
}
