/**
 * What a reader of documentation does besides reading pages: searches, rates, copies, leaves by a
 * link, meets a missing page; and what has to look at the layout: depth and headings.
 *
 * The core loads it after the page and calls `x` at each look at a visible page. Listeners are
 * captured, so what a theme stops does not stop them, and none delays a navigation: messages are
 * beacons. Whatever goes wrong in here ends in `safe`.
 *
 * @typedef {Record<string, any>} Details
 */

const OFF = 'mkdocs-stats-off';
/** Milliseconds for which a search that was told has been unchanged. */
const TOLD = 1e9;

const core = /** @type {Send} */ (document['mkdocs-stats']);

/** What each event says of it; nothing on a page that is not to be counted. @type {any} */
let where;
/** An event that waits: a search for a click, a rating for a comment. @type {any} */
let held;
/** What stands in the search box. */
let query = '';
/** For how many milliseconds; a second makes it final. */
let still = 0;
/** How far down the page was seen, in pixels. */
let bottom = 0;
/** Milliseconds that no heading has been given yet. */
let spent = 0;
/** The block that was copied last. @type {any} */
let copied;

/** @param {string} selector @returns {any[]} */
const all = (selector) => [...document.querySelectorAll(selector)];

/** @param {string} selector @returns {any} */
const find = (selector) => all(selector)[0];

/** The path below the site root, which is two folders above this file. @param {any} address */
const below = ({ pathname }) => pathname.replace(new URL('../..', import.meta.url).pathname, '/');

/**
 * Without what looks like an address, a number of six digits, or a key: a long word with a digit.
 *
 * @param {string} text
 */
const redact = (text) =>
  text.replace(/\S+@\S+|\d([ -]?\d){5,}|(?=[\w-]*\d)[\w-]{20,}/g, '*').slice(0, 200);

/** Say what waits. */
const release = () => {
  if (held) core('event', held);
  held = 0;
};

/** @param {string} n @param {Details} details @param {any} [waits] for more to be said */
const say = (n, details, waits) => {
  release();
  held = where && { ...where, n, ...details };
  if (!waits) release();
};

/** What is searched for is final, and waits for a click on a result. */
const settle = () => {
  if (query && still < TOLD) {
    // Material shows ten results at first, and says how many there are.
    const total = find('.md-search-result__meta')?.textContent.match(/\d+/);
    say(
      'search',
      { k: redact(query), c: +(total ?? all('#mkdocs-search-results article').length) },
      1,
    );
  }
  still = TOLD;
};

/** Where the attribute of a control has a text, it is the one for the other state. */
const showControls = () => {
  const off = !!localStorage[OFF];
  for (const control of all(`[data-stats-opt-out]:not([aria-pressed=${off}])`)) {
    const { textContent, dataset } = control;
    control.setAttribute('aria-pressed', off);
    if (dataset.statsOptOut) {
      control.textContent = dataset.statsOptOut;
      dataset.statsOptOut = textContent;
    }
  }
};

/** @param {string} selector */
const show = (selector) => {
  for (const element of all(selector)) element.hidden = false;
};

/** @param {any} pre */
const copy = (pre) => {
  // A button may select what it copies, and then there are two events.
  if (pre && pre !== copied) {
    copied = pre;
    // Of the code itself, or of what is around it.
    const marked = pre.lastElementChild?.closest('[class*=language-]');
    const k = /language-(\S+)/.exec(marked?.className)?.[1] ?? '';
    say('copy', { k, c: all('pre').indexOf(pre) });
  }
};

/** @param {any} event */
const click = (event) => {
  if (event.button > 1) return; // It opens a menu.
  /** @param {string} selector */
  const near = (selector) => event.target.closest(selector);
  const link = near('a');
  const button = near('[data-clipboard-target]');
  const rating = near('button[data-md-value]');
  if (near('.md-search-result,#mkdocs-search-results')) {
    settle();
    held.u = below(link);
    release();
  } else if (link?.host) {
    if (/\.(?!html?$)[a-z]\w{1,4}$/i.test(link.pathname)) say('download', { k: link.href });
    else if (link.host !== location.host) say('outbound', { k: link.href });
  }
  if (button) copy(find(button.dataset.clipboardTarget).closest('pre'));
  if (near('[data-stats-opt-out]')) {
    // Who is counted again has nothing left of it.
    if (localStorage[OFF]) delete localStorage[OFF];
    else localStorage[OFF] = 1;
    showControls();
  }
  if (rating) {
    event.preventDefault();
    const { mdValue } = rating.dataset;
    say('feedback', { k: '', c: +mdValue }, find('[data-stats-comment]'));
    show(`[data-stats-comment],div[data-md-value="${mdValue}"]`);
    // Last, because there may be none.
    near('fieldset').disabled = true;
  }
};

/** @param {(event: any, passed?: any) => void} run @returns {(event: any, passed?: any) => void} */
const safe = (run) => (event, passed) => {
  try {
    run(event, passed);
  } catch {}
};

/** @type {Record<string, (event: any) => void>} */
const handlers = {
  copy: ({ target }) => copy(target.closest('pre')),
  auxclick: click,
  click,
  change({ target }) {
    // Of a rating only: a search has its text.
    if (target.matches('[data-stats-comment]') && held.k === '') {
      held.k = redact(target.value);
      target.disabled = true;
      release();
    }
  },
  // A page that goes is hidden first, too.
  visibilitychange: release,
};

for (const type in handlers) addEventListener(type, safe(handlers[type]), true);

core.x = safe((page, passed) => {
  if (!page.h) {
    page.h = {};
    release();
    bottom = spent = 0;
    where = page.p && { ...page, h: 0 };
    if (page.p === '404') {
      where = { l: Date.now() + '000', p: below(location) };
      say('not_found', { r: document.referrer });
    }
    // Material shows its form only where it has an analytics provider of its own.
    show('.md-feedback');
  }

  const text = find('.md-search__input,#mkdocs-search-query')?.value.trim() ?? '';
  if (query !== text) {
    query = text;
    still = 0;
  } else if ((still += passed) >= 1e3) settle();

  bottom = Math.max(bottom, scrollY + innerHeight);
  // The document may have grown, so what was the end is no more.
  page.d = Math.min(100, Math.round((bottom / document.documentElement.scrollHeight) * 100));

  if ((spent += passed) > 250) {
    /** Where a section ends: at the next heading, the last one at the end of the page. */
    let end = 1;
    for (const heading of all('h1[id],h2[id],h3[id],h4[id]').reverse()) {
      const { id } = heading;
      const [box] = heading.getClientRects();
      // That of a dialog that is closed has none.
      if (box) {
        // A message must stay below 4,096 bytes.
        if (box.y < innerHeight && end > 0 && (page.h[id] || !JSON.stringify(page.h)[1e3])) {
          page.h[id] = (page.h[id] || 0) + spent;
        }
        end = box.y;
      }
    }
    spent = 0;
  }

  // Last, because a storage may be forbidden.
  showControls();
});
