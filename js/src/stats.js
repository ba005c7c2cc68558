/**
 * Keeps the numbers of a statistics page moving: the tracker's own, and the one inside a site.
 *
 * Under instant navigation the page comes and goes while the script stays; there is at most one at
 * a time, and nothing runs while there is none or while nobody looks.
 *
 * @typedef {'next' | 'stale' | 'mark'} Timer
 */

import { backoff } from './clock.js';
import { makeRenderer, nameCountries, showState } from './render.js';
import { readSnapshot } from './snapshot.js';
import { endpoint, getJson } from './transport.js';

const KEY = 'mkdocs-stats-page';
/** Milliseconds after which a request is given up. */
const TIMEOUT = 10_000;
/** Milliseconds without an answer after which the numbers are called stale. */
const STALE = 10_000;
/** Milliseconds for which a number that changed is marked. */
const MARK = 1_000;

/**
 * Ask for the numbers every two seconds while the page is visible, and show them.
 *
 * @param {Element} root
 * @returns {() => void} stop
 */
function keepLive(root) {
  const url = addressOf(root);
  const render = makeRenderer(root);
  let failures = 0;
  let hadAnswer = false;
  /** @type {AbortController | undefined} */
  let request;
  /** @type {Element[]} */
  let marked = [];
  /** @type {Partial<Record<Timer, ReturnType<typeof setTimeout>>>} */
  const timers = {};

  /** @type {(name: Timer, delay: number, run: () => void) => void} */
  const after = (name, delay, run) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(run, delay);
  };

  const expectAnswer = () =>
    after('stale', STALE, () => showState(root, hadAnswer ? 'stale' : 'offline'));

  const unmark = () => {
    for (const element of marked) element.classList.remove('changed');
    marked = [];
  };

  const ask = async () => {
    if (request) return;
    const own = new AbortController();
    request = own;
    const deadline = setTimeout(() => own.abort(), TIMEOUT);
    const snapshot = readSnapshot(await getJson(fetch, url, own.signal));
    clearTimeout(deadline);
    if (request !== own) return; // Stopped meanwhile.
    request = undefined;
    failures = snapshot ? 0 : failures + 1;
    if (snapshot) {
      hadAnswer = true;
      unmark();
      marked = render(snapshot);
      showState(root, 'live');
    }
    if (document.hidden) return pause();
    if (marked.length > 0) after('mark', MARK, unmark);
    if (snapshot) expectAnswer();
    // A theme without `document$` may have replaced the page without telling.
    after('next', backoff(failures), () => (root.isConnected ? ask() : stop()));
  };

  const pause = () => {
    for (const timer of Object.values(timers)) clearTimeout(timer);
    unmark();
  };

  const look = () => {
    if (document.hidden) return pause();
    expectAnswer();
    ask();
  };

  const stop = () => {
    document.removeEventListener('visibilitychange', look);
    request?.abort();
    request = undefined;
    pause();
  };

  nameCountries(root);
  document.addEventListener('visibilitychange', look);
  look();
  return stop;
}

/** @param {Element} root */
function addressOf(root) {
  const url = endpoint(root.getAttribute('data-stats') ?? '', '/api/stats');
  // The tracker's page can list more than the usual 50.
  const limit = root.querySelector('[data-stat-rows="pageStats"]')?.getAttribute('data-limit');
  return limit ? `${url}?limit=${encodeURIComponent(limit)}` : url;
}

/**
 * Follow the page as it comes and goes.
 *
 * @returns {() => void} stop
 */
function start() {
  /** @type {Element | null} */
  let root = null;
  let leave = () => {};
  /** @type {{ unsubscribe(): void } | undefined} */
  let subscription;

  const change = () => {
    const found = document.querySelector('[data-stats]');
    if (found === root) return;
    leave();
    root = found;
    leave = found ? keepLive(found) : () => {};
  };

  const ready = () => {
    subscription ??= window.document$?.subscribe(change);
    change();
  };

  // The script may run before the page and the theme's script are there.
  document.addEventListener('DOMContentLoaded', ready);
  window.addEventListener('load', ready);
  if (document.readyState !== 'loading') ready();

  return () => {
    document.removeEventListener('DOMContentLoaded', ready);
    window.removeEventListener('load', ready);
    subscription?.unsubscribe();
    leave();
    delete document[KEY];
  };
}

// Instant navigation may run the script again; the first goes on.
document[KEY] ??= start();
