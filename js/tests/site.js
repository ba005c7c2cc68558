/** A page with statistics, as far as its script sees it: a document, a clock and a network. */

import vm from 'node:vm';
import { Window } from 'happy-dom';
import { Clock, settle } from './clock.js';

/** What the tracker's template and the one of the site have in common. */
export const BODY = `
<div data-stats="https://stats.example/">
  <p data-stats-state data-live="Live" data-stale="Stale" data-offline="Offline"></p>
  <b data-stat="activeVisitors">–</b>
  <b data-stat="totalPageViews">–</b>
  <b data-stat="uniqueVisitors">–</b>
  <b data-stat="publishedPosts">–</b>
  <b data-stat="publishedPages">–</b>
  <time data-stat="trackingSince" data-empty="nothing yet">–</time>
  <table><tbody data-stat-rows="activeByPath" data-empty="Nobody reads."></tbody></table>
  <table><tbody data-stat-rows="pageStats" data-empty="Nothing viewed."></tbody></table>
</div>`;

/** What is read of a document in tests. @typedef {any} Doc */

export class Site {
  clock = new Clock();
  /** @type {{ url: string, init: any, at: number }[]} */
  requests = [];
  /** Requests under way. */
  open = 0;
  /** The most there were at a time. */
  mostOpen = 0;
  /** What the network answers. @type {() => Promise<unknown>} */
  answer = async () => ({ ok: false, status: 503 });
  /** @type {{ run: () => void, stopped: boolean }[]} */
  subscribers = [];

  /**
   * @param {string} code
   * @param {{ body?: string, language?: string, instant?: boolean, readyState?: string }} [options]
   */
  constructor(code, { body = BODY, language = 'en', instant = false, readyState } = {}) {
    const window = new Window({ url: 'https://site.example/stats/' });
    /** @type {Doc} */
    this.document = window.document;
    this.document.documentElement.lang = language;
    this.document.body.innerHTML = body;
    this.hidden = false;
    this.readyState = readyState ?? 'complete';
    Object.defineProperty(this.document, 'hidden', { get: () => this.hidden });
    Object.defineProperty(this.document, 'readyState', { get: () => this.readyState });
    /** @type {any} */
    this.window = {
      document: this.document,
      AbortController,
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      addEventListener: () => {},
      removeEventListener: () => {},
      fetch: (/** @type {string} */ url, /** @type {any} */ init) => this.#fetch(url, init),
    };
    this.window.window = this.window;
    this.context = vm.createContext(this.window);
    this.code = code;
    if (instant) this.offerStream();
    this.run();
  }

  run() {
    vm.runInContext(this.code, this.context);
  }

  /** What Material offers. */
  offerStream() {
    this.window.document$ = {
      subscribe: (/** @type {() => void} */ run) => {
        const subscriber = { run, stopped: false };
        this.subscribers.push(subscriber);
        run();
        return {
          unsubscribe: () => {
            subscriber.stopped = true;
          },
        };
      },
    };
  }

  /** Instant navigation to a page with this body. @param {string} body */
  navigate(body) {
    this.document.body.innerHTML = body;
    for (const subscriber of this.subscribers) if (!subscriber.stopped) subscriber.run();
  }

  /** @param {boolean} hidden */
  setHidden(hidden) {
    this.hidden = hidden;
    this.document.dispatchEvent(new this.document.defaultView.Event('visibilitychange'));
  }

  /** Answer with this from now on. @param {unknown} value */
  serve(value) {
    this.answer = async () => ({ ok: true, json: async () => structuredClone(value) });
  }

  /** @param {number} seconds */
  async wait(seconds) {
    await this.clock.advance(seconds * 1_000);
    await settle();
  }

  /** @param {string} selector @returns {Doc} */
  find(selector) {
    return this.document.querySelector(selector);
  }

  /** @param {string} selector @returns {Doc[]} */
  findAll(selector) {
    return [...this.document.querySelectorAll(selector)];
  }

  /** @param {string} list */
  paths(list) {
    const rows = this.findAll(`[data-stat-rows="${list}"] tr`);
    return rows.map((row) => row.getAttribute('data-path'));
  }

  /** @param {string} url @param {any} init */
  async #fetch(url, init) {
    this.requests.push({ url, init, at: this.clock.now });
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      return await new Promise((resolve, reject) => {
        init.signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
        this.answer().then(resolve, reject);
      });
    } finally {
      this.open -= 1;
    }
  }
}
