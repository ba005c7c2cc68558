/**
 * Goes from view to view of the page without loading it anew: the server renders each, and of what it
 * sends the parts that differ take the place of those that are there. So there is one way in which
 * a view is made, with script and without, and what a reader has open or in focus stays.
 *
 * No markup is parsed from text: the browser makes the document while it loads.
 *
 * @typedef {object} Options
 * @property {Document} document
 * @property {(url: string, signal: AbortSignal) => Promise<Document | undefined>} load
 * @property {() => void} shown called whenever a view has been shown
 */

/** How many views are kept for Back. */
const KEPT = 12;

/** @param {Options} options */
export function makeViews({ document, load, shown }) {
  const window = /** @type {Window} */ (document.defaultView);
  /** What the server said of the view that is shown; what is shown has been touched since. */
  let source = /** @type {Document} */ (document.cloneNode(true));
  /** @type {Map<string, Document>} */
  const kept = new Map([[whereIs(window), source]]);
  /** @type {AbortController | undefined} of the view that is waited for */
  let request;
  /** @type {{ url: string, answer: Promise<Document | undefined>, request: AbortController } | undefined} */
  let guess;
  let failed = '';

  /** @param {string} url */
  const fetchView = (url) => {
    const own = new AbortController();
    return { url, request: own, answer: load(url, own.signal) };
  };

  /** @param {string} url @param {Document} view */
  const keep = (url, view) => {
    kept.delete(url);
    kept.set(url, view);
    for (const old of kept.keys()) if (kept.size > KEPT) kept.delete(old);
  };

  /** @param {Document} view */
  const show = (view) => {
    const focus = whereIsFocus(document);
    replaceParts(document, source, view);
    source = view;
    document.title = view.title;
    focus();
    shown();
  };

  /**
   * Show the view of an address.
   *
   * @param {string} url
   * @param {{ push?: boolean, quiet?: boolean }} [how] push: as a step that Back undoes; quiet: nobody
   *   waits for it, so neither is a wait shown nor a failure told
   */
  const go = async (url, { push = false, quiet = false } = {}) => {
    request?.abort();
    const own = guess?.url === url ? guess : fetchView(url);
    guess = undefined;
    request = own.request;
    if (!quiet) document.body.setAttribute('aria-busy', 'true');
    const view = await own.answer;
    if (request !== own.request) return;
    request = undefined;
    document.body.removeAttribute('aria-busy');
    if (view) arrive(url, view, push, quiet);
    else if (!quiet) fail(url);
  };

  /** @type {(url: string, view: Document, push: boolean, quiet: boolean) => void} */
  const arrive = (url, view, push, quiet) => {
    fail('');
    if (push) window.history.pushState(null, '', url);
    if (whereIs(window) !== url) return;
    keep(url, view);
    show(view);
    if (!quiet) say(document);
  };

  /** @param {string} url empty when nothing has failed */
  const fail = (url) => {
    failed = url;
    const message = document.querySelector('[data-failure]');
    if (message instanceof HTMLElement) message.hidden = url === '';
  };

  document.addEventListener('pointerdown', (event) => {
    const url = linkUnder(event, window);
    // Most of the time between pressing and releasing is enough for the answer.
    // A finger that is put down mostly scrolls.
    if (url && event.pointerType === 'mouse') guess = fetchView(url);
  });

  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('[data-again]')) {
      go(failed, { push: failed !== whereIs(window) });
      return;
    }
    const url = linkUnder(event, window);
    if (!url) return;
    event.preventDefault();
    go(url, { push: url !== whereIs(window) });
  });

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== 'get') return;
    event.preventDefault();
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    go(new URL(`?${new URLSearchParams(fields)}`, form.action).href, { push: true });
  });

  window.addEventListener('popstate', () => {
    const url = whereIs(window);
    const view = kept.get(url);
    if (view === source) return; // Only a place of the page was gone to.
    if (view) {
      show(view);
      say(document);
    }
    go(url, { quiet: view !== undefined });
  });

  return {
    go,
    /** Show the same view with newer figures, unless another is on its way. */
    refresh: () => {
      if (!request) go(whereIs(window), { quiet: true });
    },
  };
}

/** The address of what is shown, whatever part of it. @param {Window} window */
function whereIs({ location }) {
  return location.href.replace(/#.*/, '');
}

/**
 * The address of a view that an event asks for; undefined for everything else, as a new tab.
 *
 * @param {MouseEvent} event
 * @param {Window} window
 */
function linkUnder(event, { location }) {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element && event.target.closest('a[href]');
  if (!link || link.hasAttribute('data-full') || event.defaultPrevented) return;
  // Links of a picture have an object there, so no property.
  const url = new URL(link.getAttribute('href') ?? '', location.href);
  if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
  return url.href;
}

/**
 * @param {Document} document what is shown
 * @param {Document} before what the server had said of it
 * @param {Document} next what it says now
 */
function replaceParts(document, before, next) {
  const from = partsOf(before);
  const to = partsOf(next);
  const layout = 'data-layout';
  const [main, old, view] = [document, before, next].map(
    (one) => /** @type {Element} */ (one.querySelector(`[${layout}]`)),
  );
  const same =
    old.getAttribute(layout) === view.getAttribute(layout) &&
    [...from.keys()].join() === [...to.keys()].join();
  if (!same) {
    main.setAttribute(layout, view.getAttribute(layout) ?? '');
    main.replaceChildren(...[...view.childNodes].map((node) => document.importNode(node, true)));
  }
  for (const [name, part] of partsOf(document)) {
    const wanted = to.get(name);
    if (!wanted || from.get(name)?.isEqualNode(wanted)) continue;
    if (same || !main.contains(part)) replacePart(part, document.importNode(wanted, true));
  }
}

/** @param {Document} document @returns {Map<string, Element>} */
function partsOf(document) {
  const parts = [...document.querySelectorAll('[data-part]')];
  return new Map(parts.map((part) => [part.getAttribute('data-part') ?? '', part]));
}

/** What was open stays open, and scrolled as far. @param {Element} part @param {Element} next */
function replacePart(part, next) {
  if (part instanceof HTMLDetailsElement && part.open) next.setAttribute('open', '');
  const scrolled = part.querySelector('.scroll')?.scrollTop;
  part.replaceWith(next);
  const area = next.querySelector('.scroll');
  if (area && scrolled) area.scrollTop = scrolled;
}

/**
 * Remember what has the focus.
 *
 * @param {Document} document
 * @returns {() => void} gives it back, to what came in its place, or to the view as a whole
 */
function whereIsFocus(document) {
  const active = document.activeElement;
  const main = document.querySelector('main');
  if (!active || !main?.contains(active) || active === main) return () => {};
  const names = ['id', 'data-key', 'href', 'name'].filter((name) => active.hasAttribute(name));
  const part = active.closest('[data-part]')?.getAttribute('data-part');
  return () => {
    if (active.isConnected) return;
    const within = document.querySelector(`[data-part="${part}"]`) ?? main;
    /** @type {Element | null} */
    let found = null;
    for (const name of names) {
      found ??= within.querySelector(`[${name}="${CSS.escape(active.getAttribute(name) ?? '')}"]`);
    }
    const target = /** @type {HTMLElement} */ (found ?? main);
    target.focus({ preventScroll: true });
  };
}

/** What is told of a view, in this order. */
const SAID = ['.page-title h2', '.chips', '.days', '.figures .current', '.welcome h2'];

/** Tell those who do not see it what is shown now. @param {Document} document */
function say(document) {
  const said = document.querySelector('[data-said]');
  const texts = SAID.map((name) => document.querySelector(`main ${name}`)?.textContent);
  const words = texts.filter(Boolean).map((text) => text?.replace(/\s+/g, ' ').trim());
  if (said) said.textContent = words.join('. ');
}
