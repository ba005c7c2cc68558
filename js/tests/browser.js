/** A browser as far as the tracker sees it: tabs with one storage, one clock and one network. */

import vm from 'node:vm';
import { Clock } from './clock.js';

/**
 * @typedef {object} Sent
 * @property {number} at milliseconds after the browser was started
 * @property {Tab} tab
 * @property {'fetch' | 'beacon'} via
 * @property {string} url
 * @property {any} init
 * @property {Record<string, any>} message
 *
 * @typedef {object} PageOptions
 * @property {string | null} [meta]
 * @property {string} [location]
 * @property {string} [script]
 * @property {Record<string, string>} [dataset]
 * @property {boolean} [loading] whether the load event is yet to come
 * @property {boolean} [hidden]
 * @property {boolean} [prerendering]
 * @property {string} [referrer]
 * @property {'works' | 'blocked' | 'null' | 'full'} [storage]
 * @property {Record<string, unknown>} [navigator] besides what it always has
 * @property {Record<string, unknown>} [globals] replace those of the window
 */

export const SITE = 'https://site.example/docs';
const UUID_TAIL = '-0000-4000-8000-000000000000';

export class Browser {
  clock = new Clock();
  /** @type {Sent[]} */
  sent = [];
  /** @type {Tab[]} */
  tabs = [];
  /** @type {Map<string, string>} */
  stored = new Map();
  /** Open channels. @type {Channel[]} */
  channels = [];
  /** What was said on them. */
  posted = 0;
  /** What the time of day is wrong by, in milliseconds. */
  skew = 0;
  /** Blob addresses that were made and not revoked. @type {Set<string>} */
  blobs = new Set();
  /** What the network answers. @type {(message: Record<string, any>) => Promise<unknown>} */
  answer = async () => reply(204);
  beacons = true;
  #ids = 0;
  #draws = 0;
  /** What chance gives: hardly anything, never the same. */
  random = () => {
    this.#draws += 1;
    return this.#draws / 1e9;
  };
  start = this.clock.now;

  /** @param {string} code */
  constructor(code) {
    this.code = code;
  }

  /** @param {PageOptions} [options] */
  open(options) {
    const tab = new Tab(this, options);
    this.tabs.push(tab);
    tab.run(this.code);
    if (!options?.loading) tab.fire('window', 'pageshow', { persisted: false });
    return tab;
  }

  /** What was sent since last asked. */
  take() {
    return this.sent.splice(0);
  }

  /** The same in short: `view /a/`. */
  takeLines() {
    return this.take().map(({ message }) => `${message.t} ${message.p}`);
  }

  /** @param {number} seconds */
  async wait(seconds) {
    await this.clock.advance(seconds * 1_000);
  }

  makeBlobAddress() {
    this.#ids += 1;
    const address = `blob:https://site.example/${String(this.#ids).padStart(8, '0')}${UUID_TAIL}`;
    this.blobs.add(address);
    return address;
  }

  /** @param {Tab} tab @param {'fetch' | 'beacon'} via @param {string} url @param {any} init */
  record(tab, via, url, init) {
    const at = this.clock.now - this.start;
    const message = JSON.parse(init.body);
    this.sent.push({ at, tab, via, url, init, message });
    return message;
  }

  /** @param {Tab} writer @param {string} key @param {string | null} newValue */
  store(writer, key, newValue) {
    if ((this.stored.get(key) ?? null) === newValue) return;
    if (newValue === null) this.stored.delete(key);
    else this.stored.set(key, newValue);
    for (const tab of this.tabs) {
      if (tab !== writer && !tab.frozen) {
        // Another process hears of it a little later.
        this.clock.setTimeout(() => tab.fire('window', 'storage', { key, newValue }), 5);
      }
    }
  }
}

/** An answer as `fetch` gives it. @param {number} status @param {string} [body] */
export const reply = (status, body = '') => ({
  status,
  ok: status >= 200 && status < 300,
  text: async () => body,
});

/** A `BroadcastChannel`: to all others of the browser, a little later, unless closed or frozen. */
class Channel {
  onmessage = /** @type {((event: unknown) => void) | null} */ (null);
  closed = false;

  /** @param {Tab} tab */
  constructor(tab) {
    this.tab = tab;
    tab.browser.channels.push(this);
  }

  /** @param {unknown} data */
  postMessage(data) {
    const { browser } = this.tab;
    if (this.closed) throw new DOMException('closed', 'InvalidStateError');
    browser.posted += 1;
    for (const other of browser.channels) {
      if (other === this || other.tab.frozen) continue;
      browser.clock.setTimeout(() => {
        if (!other.closed && !other.tab.frozen) other.onmessage?.({ data });
      }, 1);
    }
  }

  close() {
    this.closed = true;
    this.tab.browser.channels = this.tab.browser.channels.filter((known) => known !== this);
  }
}

export class Tab {
  /** Closed, or in the back/forward cache. */
  frozen = false;
  /** @type {string[]} */
  logged = [];
  /** @type {{ type: string, run: (event: any) => void, capture: boolean }[]} */
  listeners = [];
  /** Addresses of modules that were loaded. @type {string[]} */
  imported = [];
  /** Who watches the head; released scripts did. @type {((records: unknown[]) => void)[]} */
  observers = [];
  /** What loading a module gives. @type {() => Promise<unknown>} */
  load = async () => ({});

  /** @param {Browser} browser @param {PageOptions} [options] */
  constructor(browser, options = {}) {
    const { meta = '/a/', location = `${SITE}/a/`, hidden = false, prerendering = false } = options;
    this.browser = browser;
    this.script = {
      src: options.script ?? `${SITE}/assets/mkdocs-stats/tracker.1a2b3c4d.js`,
      dataset: { tracker: 'https://stats.example', ...options.dataset },
    };
    this.document = {
      hidden: hidden || prerendering,
      prerendering,
      referrer: options.referrer ?? '',
      currentScript: /** @type {unknown} */ (this.script),
      head: { children: /** @type {Record<string, { content: string }>} */ ({}) },
    };
    if (meta !== null) this.document.head.children['mkdocs-stats'] = { content: meta };
    this.openedAt = browser.clock.now;
    this.window = this.#makeWindow(options);
    this.goTo(location);
    this.context = vm.createContext(this.window);
    this.globals = Object.keys(this.window);
  }

  /** @param {string} code */
  run(code) {
    // The one expression that a context of Node cannot be given.
    vm.runInContext(code.replace('import(', 'loadModule('), this.context);
  }

  /** The address changes, by whatever means. @param {string} address */
  goTo(address) {
    const url = new URL(address);
    this.window.location = url;
    const local = /^(localhost|127\..*|\[::1]|.*\.localhost)$/.test(url.hostname);
    this.window.isSecureContext = local || ['https:', 'file:'].includes(url.protocol);
  }

  /** Instant navigation: address first, the page later. @param {string} path @param {number} seconds */
  async navigate(path, seconds = 0.5) {
    this.use('pointerdown');
    this.goTo(`${SITE}${path}`);
    await this.browser.wait(seconds);
    this.document.head.children['mkdocs-stats'] = { content: path };
    for (const observer of this.observers) observer([{ type: 'childList' }]);
    await this.browser.wait(0.6); // It is looked at twice a second.
  }

  hide() {
    this.document.hidden = true;
    this.fire('document', 'visibilitychange');
  }

  show() {
    this.document.hidden = false;
    this.fire('document', 'visibilitychange');
  }

  /** The reader does something. @param {string} [type] */
  use(type = 'pointermove') {
    this.fire('window', type);
  }

  /** Closed, or left for another page. */
  leave() {
    this.fire('window', 'pagehide');
    this.document.hidden = true;
    this.fire('document', 'visibilitychange');
    this.frozen = true;
  }

  /** Come back from the back/forward cache. */
  comeBack() {
    this.frozen = false;
    this.show();
    this.fire('window', 'pageshow', { persisted: true });
  }

  /** Dead without a word. */
  crash() {
    this.frozen = true;
    this.listeners = [];
  }

  /** @param {'window' | 'document'} target @param {string} type @param {object} [properties] */
  fire(target, type, properties) {
    if (this.frozen) return;
    const bubbles = type === 'visibilitychange';
    for (const listener of this.listeners) {
      const reached = target === 'window' || bubbles || listener.capture;
      if (listener.type === type && reached) listener.run({ type, ...properties });
    }
  }

  /** @param {PageOptions} options @returns {any} */
  #makeWindow({ storage = 'works', globals = {}, navigator = {} }) {
    const { browser } = this;
    class FakeURL extends URL {
      static createObjectURL() {
        return browser.makeBlobAddress();
      }
      /** @param {string} address */
      static revokeObjectURL(address) {
        browser.blobs.delete(address);
      }
    }
    const tab = this;
    const window = {
      document: this.document,
      URL: FakeURL,
      Blob: class {},
      Date: { now: () => browser.clock.now + browser.skew },
      performance: { now: () => browser.clock.now - this.openedAt + 120.3 },
      Math: Object.assign(Object.create(Math), { random: () => browser.random() }),
      Intl: { DateTimeFormat: () => ({ resolvedOptions: () => ({ timeZone: 'Europe/Vienna' }) }) },
      innerWidth: 1_280,
      console: new Proxy({}, { get: (_, name) => () => this.logged.push(String(name)) }),
      setTimeout: (/** @type {() => void} */ run, /** @type {number} */ delay) =>
        browser.clock.setTimeout(() => {
          if (!this.frozen) run();
        }, delay),
      clearTimeout: browser.clock.clearTimeout,
      setInterval: (
        /** @type {(argument: any) => void} */ run,
        /** @type {number} */ period,
        /** @type {any} */ argument,
      ) =>
        browser.clock.setInterval(() => {
          if (!this.frozen) run(argument);
        }, period),
      clearInterval: browser.clock.clearTimeout,
      MutationObserver: class {
        /** @param {(records: unknown[]) => void} run */
        constructor(run) {
          tab.observers.push(run);
        }
        observe() {}
      },
      BroadcastChannel: class extends Channel {
        constructor() {
          super(tab);
        }
      },
      loadModule: (/** @type {string | undefined} */ address) => {
        // As a browser does it: what begins so is relative to the script, another word is no address.
        if (!/^\.?\.?\//.test(String(address)))
          return Promise.reject(new TypeError('bare specifier'));
        this.imported.push(String(new URL(String(address), this.script.src)));
        return this.load();
      },
      addEventListener: (/** @type {string} */ type, /** @type {any} */ run, capture = false) =>
        this.listeners.push({ type, run, capture }),
      removeEventListener: (
        /** @type {string} */ type,
        /** @type {any} */ run,
        capture = false,
      ) => {
        this.listeners = this.listeners.filter(
          (known) => known.type !== type || known.run !== run || known.capture !== capture,
        );
      },
      navigator: {
        language: 'de-AT',
        sendBeacon: (/** @type {string} */ url, /** @type {string} */ body) => {
          if (browser.beacons) browser.record(this, 'beacon', url, { body });
          return browser.beacons;
        },
        ...navigator,
      },
      fetch: (/** @type {string} */ url, /** @type {any} */ init) =>
        browser.answer(browser.record(this, 'fetch', url, init)),
    };
    Object.defineProperty(window, 'localStorage', {
      configurable: true,
      enumerable: true,
      get: () => {
        if (storage === 'blocked') throw new DOMException('denied', 'SecurityError');
        return storage === 'null' ? null : this.#makeStorage(storage);
      },
    });
    return Object.assign(window, globals);
  }

  /** @param {'works' | 'full'} storage */
  #makeStorage(storage) {
    return new Proxy(/** @type {Record<string, string>} */ ({}), {
      get: (_, key) => this.browser.stored.get(String(key)),
      set: (_, key, value) => {
        if (storage === 'full') throw new DOMException('full', 'QuotaExceededError');
        this.browser.store(this, String(key), String(value));
        return true;
      },
    });
  }
}
