/** A page as the extras see it: a document, a layout, a storage, and the core that looks at it. */

import vm from 'node:vm';
import { Window } from 'happy-dom';

/** What is read of a document in tests. @typedef {any} Doc */

export class Page {
  /** What the core was given to send. @type {Record<string, any>[]} */
  sent = [];
  /** @type {Record<string, any>} */
  stored = {};
  /** The core's page load. @type {any} */
  load = { l: '100000000000000001', p: '/a/', v: 0, a: 0 };
  scrollY = 0;
  innerHeight = 1_000;
  height = 5_000;

  /**
   * @param {string} code
   * @param {{ body?: string, path?: string, referrer?: string, p?: string }} [options]
   */
  constructor(code, { body = '', path = '/docs/a/', referrer = '', p = '/a/' } = {}) {
    const window = new Window({ url: `https://site.example${path}` });
    /** @type {Doc} */
    this.document = window.document;
    this.document.body.innerHTML = body;
    Object.defineProperty(this.document, 'referrer', { value: referrer });
    Object.defineProperty(this.document.documentElement, 'scrollHeight', {
      get: () => this.height,
    });
    this.dom = window;
    this.load.p = p;
    if (p[0] !== '/') this.load.l = false;
    this.core = /** @type {any} */ (
      (/** @type {string} */ t, /** @type {object} */ details) => {
        const { load } = this;
        this.sent.push(JSON.parse(JSON.stringify({ t, ...load, ...details })));
      }
    );
    this.document['mkdocs-stats'] = this.core;
    this.window = this.#makeWindow();
    const url = 'https://site.example/docs/assets/mkdocs-stats/extras.1a2b3c4d.js';
    vm.runInNewContext(code.replaceAll('import.meta.url', JSON.stringify(url)), this.window);
  }

  /** Let the core look twice a second. @param {number} seconds */
  wait(seconds) {
    for (let passed = 0; passed < seconds * 1_000; passed += 500) this.core.x(this.load, 500);
  }

  /** What was sent since last asked. */
  take() {
    return this.sent.splice(0);
  }

  /** Instant navigation. @param {string} p @param {string} [body] */
  navigate(p, body = '') {
    this.document.body.innerHTML = body;
    this.load = { l: `${Number(this.load.l) + 1_000}`, p, v: 0, a: 0 };
    this.wait(0.5);
  }

  /** @param {string} selector @returns {Doc} */
  find(selector) {
    return this.document.querySelector(selector);
  }

  /** Put a text into a search box, as typing its last letter does. @param {string} text */
  type(text) {
    this.find('input').value = text;
  }

  /**
   * @param {string} selector
   * @param {string} [type]
   * @param {object} [options]
   * @returns {boolean} whether what the browser does by default is left to it
   */
  fire(selector, type = 'click', options = {}) {
    const { MouseEvent } = this.dom;
    const event = new MouseEvent(type, { bubbles: true, cancelable: true, ...options });
    // The browser's own answer, which is none of the test's.
    const event_ = /** @type {any} */ (event);
    this.find(selector).dispatchEvent(event_);
    return !event.defaultPrevented;
  }

  hide() {
    this.document.dispatchEvent(new this.dom.Event('visibilitychange', { bubbles: true }));
  }

  #makeWindow() {
    for (const heading of this.document.querySelectorAll('[id]')) this.#place(heading);
    const page = this;
    return {
      document: this.document,
      location: this.dom.location,
      URL,
      Date,
      addEventListener: this.dom.addEventListener.bind(this.dom),
      get localStorage() {
        return page.stored;
      },
      get scrollY() {
        return page.scrollY;
      },
      get innerHeight() {
        return page.innerHeight;
      },
    };
  }

  /** @param {Doc} element */
  #place(element) {
    const top = Number(element.getAttribute('data-top') ?? Number.NaN);
    element.getClientRects = () => (Number.isNaN(top) ? [] : [{ y: top - this.scrollY }]);
  }
}
