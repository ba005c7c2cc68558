/**
 * The script on every page: one view per page shown, heartbeats while it is visible, a leave.
 *
 * It must be silent on every path: nothing is thrown, logged or rejected, whatever the browser
 * lacks and the tracker answers.
 *
 * **What is a page** is what its meta says, and instant navigation replaces the meta together with
 * the title. So the head is watched, not the history: that changes before the new page is there,
 * and for anchors and scroll offsets too. It needs nothing of the theme and patches nothing.
 *
 * **Who speaks.** The tabs of a browser share a session, so one of them speaks: the one opened,
 * shown or focused last. It writes how many milliseconds it will be until it speaks again to a key
 * of `localStorage`, which fires `storage` in all other tabs, and those wait half as long again.
 * When it is hidden it empties the key, and the next visible tab takes over. No tab reads the key:
 * there is no stale claim to find and no clock to agree on.
 *
 * Every byte counts here (`build.mjs`), hence one module state and few functions. Statements
 * labelled STOP are in source and test builds only.
 */

import { below, SESSION, WEB, WEB_ELSEWHERE } from './payload.js';

/** Name of the meta, of the session id in `localStorage`, and of the guard on `document`. */
const KEY = 'mkdocs-stats';

/** @type {HTMLScriptElement} */
let script;
/** Milliseconds between heartbeats. @type {number} */
let interval;
/** @type {string} */
let session;
/** Id of the page load; empty on a page that has no heartbeats and no leave. @type {string} */
let load;
/** What was counted last; empty when the next look is to count whatever there is. @type {string} */
let path;
/** When this tab last sent anything. @type {number} */
let sentAt;
/** Whether the tracker took it. @type {boolean | ''} */
let answered;
/** Milliseconds until this tab speaks again; empty while another does. @type {number | ''} */
let speaks;
/** @type {ReturnType<typeof setTimeout>} */
let timer;

/**
 * A random UUID. `crypto.randomUUID` is missing on plain http; the address of a Blob ends in one
 * everywhere, for half the bytes of spelling it out of `getRandomValues`.
 */
const makeId = (address = URL.createObjectURL(new Blob())) => {
  URL.revokeObjectURL(address); // Else the browser keeps it as long as the page.
  return address.slice(-36);
};

/** With ±10 %, so that tabs opened or left together do not speak together. @param {number} delay */
const jitter = (delay) => delay * (0.9 + Math.random() / 5);

/** @param {number | ''} value */
const claim = (value) => {
  speaks = value;
  try {
    localStorage[KEY + '-tab'] = value;
  } catch {} // Blocked or full: then every visible tab speaks.
};

/** @type {(t: 'view' | 'beat' | 'leave' | 'event', details?: import('./payload.js').Details) => void} */
const send = async (t, details) => {
  try {
    const body = JSON.stringify({
      t,
      s: session,
      l: load,
      p: path,
      // The first message's only: under instant navigation it stays what it was. A long one would
      // make the message too long, and only the host is kept.
      r: (!sentAt && document.referrer.slice(0, 512)) || undefined,
      ...details,
    });
    sentAt = Date.now();
    answered = '';
    // Without the attribute this throws, and nothing is sent.
    const url = /** @type {string} */ (script.dataset.tracker).replace(/\/*$/, '/api/collect');
    // A string is sent as text/plain, which needs no preflight.
    if (!(t === 'leave' && navigator.sendBeacon?.(url, body))) {
      answered = (await fetch(url, { method: 'POST', body, keepalive: true, credentials: 'omit' }))
        .ok;
    }
  } catch {}
};

/**
 * See what is shown and say so.
 *
 * @param {any} [event] what happened; absent when it is time to speak
 */
const look = (event) => {
  // A tab in the background is not read, and a prerendered page may never be. That becomes visible
  // a moment before its prerendering ends, and until then the browser marks its requests.
  if (document.hidden || document.prerendering) {
    if (speaks) claim('');
  } else {
    /** @type {string | undefined} */
    const meta = /** @type {any} */ (document.head.children)[KEY]?.content;
    // @ts-expect-error A path gives NaN, no meta gives NaN; only the 404 page's is a number.
    const missing = +meta;
    const page = (missing ? undefined : meta) ?? below(location.pathname, script.src);
    if (page !== path) {
      path = page;
      load = page && makeId(); // An empty meta is that of a page that is not to be counted.
      event = '';
      if (missing) {
        send('event', { n: 'not_found' });
        load = '';
      } else if (load) {
        send('view', {
          z: Intl.DateTimeFormat().resolvedOptions().timeZone,
          g: navigator.language,
          w: innerWidth,
        });
      }
    }
    // Only a list of changes in the head has a first element. It may have been a widget's style.
    if (load && !(event && (speaks || event[0]))) {
      // Nothing twice within 5 seconds. Until it is answered, what was sent counts as failed, and is
      // tried again when the next heartbeat is due: so none is sent while one is pending, and one
      // that hangs is given up.
      if (Date.now() - sentAt >= (answered ? 5_000 : interval * 0.9)) send('beat');
      claim(jitter(interval));
      clearTimeout(timer);
      timer = setTimeout(look, /** @type {number} */ (speaks));
    }
  }
};

/** @type {Record<string, (event: any) => void>} */
const handlers = {
  visibilitychange: look,
  prerenderingchange: look,
  pageshow: look,
  focus: look,
  pagehide() {
    if (load) send('leave');
    path = load = ''; // Should it come back from the back/forward cache, it is another page load.
  },
  storage({ key, newValue }) {
    if (key === KEY + '-tab') {
      speaks = '';
      if (newValue && answered) sentAt = 1; // What we said is no longer what was said last.
      // Who left may only be loading its next page: give it a moment.
      clearTimeout(timer);
      timer = setTimeout(look, newValue * 1.5 || jitter(1_000));
    }
  },
};

try {
  // Null, hence caught, in a bundle of the site's own: there are no settings to read.
  script = /** @type {HTMLScriptElement} */ (document.currentScript);
  if (!document[KEY] && ('local' in script.dataset ? WEB : WEB_ELSEWHERE).test(location.origin)) {
    document[KEY] = 1;
    // @ts-expect-error Text, or nothing, which gives NaN.
    interval = script.dataset.heartbeat * 1_000 || 30_000;
    session = makeId();
    try {
      if (SESSION.test(localStorage[KEY])) session = localStorage[KEY];
      else localStorage[KEY] = session;
    } catch {} // Blocked, full, or null as in some web views: an id for this page alone.
    // Captured, because `prerenderingchange` does not bubble from document to window.
    for (const type in handlers) addEventListener(type, handlers[type], true);
    const observer = new MutationObserver(look);
    observer.observe(document.head, { childList: true });
    STOP: document[KEY] = () => {
      for (const type in handlers) removeEventListener(type, handlers[type], true);
      observer.disconnect();
      clearTimeout(timer);
      if (speaks) claim('');
      delete document[KEY];
    };
    look();
  }
} catch {}
