/** The tracker's own page: keeps it live, goes from view to view, draws, listens to keys. */

import { drawChart } from './chart.js';
import { listenToKeys } from './keys.js';
import { followLive } from './live.js';
import { makeMoment } from './moment.js';
import { readSnapshot } from './snapshot.js';
import { getJson } from './transport.js';
import { makeViews } from './views.js';

/** Milliseconds after which a request is given up. */
const TIMEOUT = 10_000;
/** Milliseconds between two looks at whether the view has changed. */
const LOOK = 2_000;

/** @param {string} url @param {AbortSignal} signal @returns {Promise<Document | undefined>} */
function loadView(url, signal) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('GET', url);
    request.responseType = 'document';
    request.timeout = TIMEOUT;
    signal.addEventListener('abort', () => request.abort());
    request.onloadend = () => {
      const view = request.status < 500 ? request.responseXML : null;
      resolve(view?.querySelector('[data-layout]') ? view : undefined);
    };
    request.send();
  });
}

function start() {
  /** @type {ReturnType<typeof drawChart> | undefined} */
  let chart;
  /** @type {Element | null} */
  let drawn = null;
  /** @type {import('./snapshot.js').Snapshot | null} */
  let latest = null;
  let viewsShown = -1;
  let refreshed = performance.now();

  const draw = () => {
    const table = document.querySelector('[data-series]');
    const plot = document.querySelector('[data-plot]');
    if (table === drawn) return;
    const focus = chart?.destroy();
    chart = undefined;
    drawn = table;
    if (!table || !(plot instanceof HTMLElement)) return;
    chart = drawChart(plot, table, (url) => views.go(url, { push: true }));
    if (focus?.focused) chart.focus(focus.place);
  };

  const views = makeViews({
    document,
    load: loadView,
    shown: () => {
      draw();
      if (latest) moment(latest);
    },
  });

  const moment = makeMoment(document, (path) => {
    const url = new URL(location.href);
    url.searchParams.delete('list');
    url.searchParams.set('page', path);
    return url.pathname + url.search;
  });

  const refresh = () => {
    refreshed = performance.now();
    views.refresh();
  };

  /** The report has changed when views were counted; it is asked for no oftener than it is read. */
  const refreshWhenDue = () => {
    if (!latest || document.hidden) return;
    const first = viewsShown < 0;
    const changed = latest.totalPageViews !== viewsShown;
    const main = document.querySelector('[data-layout]');
    const every = 1_000 * Number(main?.getAttribute('data-refresh'));
    if (first || !changed || performance.now() - refreshed < every) {
      if (first) viewsShown = latest.totalPageViews;
      return;
    }
    viewsShown = latest.totalPageViews;
    refresh();
  };

  const live = followLive({
    connect: () => new EventSource('/api/live'),
    ask: () => getJson(fetch, '/api/stats', AbortSignal.timeout(TIMEOUT)),
    show: (value) => {
      const snapshot = readSnapshot(value);
      if (!snapshot) return false;
      latest = snapshot;
      moment(snapshot);
      refreshWhenDue();
      return true;
    },
    tell: (state) => {
      document.body.setAttribute('data-state', state);
      const element = document.querySelector('[data-live-state]');
      const text = element?.getAttribute(`data-${state}`) ?? '';
      if (element && element.textContent !== text) element.textContent = text;
      element?.setAttribute('data-state', state);
    },
  });

  const look = () => {
    if (document.hidden) live.stop();
    else live.start();
  };

  listenToKeys(document, { refresh });
  document.addEventListener('visibilitychange', look);
  // A page that comes back by Back has lost its stream.
  addEventListener('pageshow', (event) => event.persisted && look());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    drawn = null;
    draw();
  });
  setInterval(refreshWhenDue, LOOK);
  draw();
  look();
}

start();
