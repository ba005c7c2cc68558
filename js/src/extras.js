/**
 * What a reader of documentation does besides reading pages: searches, rates, copies, chooses tabs,
 * leaves by a link, meets a missing page or anchor; and what has to look at the layout: depth and
 * headings.
 *
 * The core loads it after the page and calls `x` at each look at a visible page. Listeners are
 * captured, so what a theme stops does not stop them, and none delays a navigation: messages are
 * beacons. Whatever goes wrong in here ends in `safe`, and that is how a handler ends that has
 * nothing more to do with what it was called for. Where the order of things is free it is the one
 * that packs best.
 */

const OFF = 'mkdocs-stats-off';

const core = /** @type {Send} */ (document['mkdocs-stats']);

/** What each event says of it, in a copy; without a path on a page that is not to be counted. @type {any} */
let where;
/** An event that waits: a search for a click, a rating for a comment; none without a path. @type {any} */
let held = {};
/** What the event that was said last waits for: of a rating its field. @type {any} */
let field;
/** What stands in the search box. @type {any} */
let query;
/** For how many milliseconds; a second makes it final, and no number was told. */
let still = 0;
/** How far down the page was seen, in pixels. */
let bottom = 0;
/** Milliseconds that no heading has been given yet. */
let spent = 0;
/** The block that was copied last. @type {any} */
let copied;

/** @param {string} selector @param {any} [within] @returns {any[]} */
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** @param {string} selector @param {any} [within] @returns {any} */
const find = (selector, within) => all(selector, within)[0];

/** @param {string} selector @param {any} [within] */
const show = (selector, within) => all(selector, within).map((element) => (element.hidden = false));

/** Those that sections begin with, the last one first. */
const headings = () => all(':is(h1,h2,h3,h4)[id]').reverse();

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
  if (held.p) core('event', held);
  held = {};
};

/**
 * @param {string} n
 * @param {object} more of it; of a rating, `h` is the heading that it stands below
 * @param {any} [waits] for more to be said
 */
const say = (n, more, waits) => {
  release();
  field = waits;
  held = { ...where, n, h: 0, ...more };
  if (!waits) release();
};

/** @param {(event: any, passed?: any) => void} run @returns {(event: any, passed?: any) => void} */
const safe = (run) => (event, passed) => {
  try {
    run(event, passed);
  } catch {}
};

/** What is searched for is final, and waits for its results, late on a slow line, and for a click. */
const settle = () => {
  if (query) {
    if (still >= 0) say('search', { k: redact(query) }, 1);
    still = NaN;
    // A rating waits for its field, never for 1.
    if (field == 1) {
      // Material shows ten at first and says how many there are: 1.2k, and one in words in some languages.
      held.c =
        +find('.md-search-result__meta')
          ?.textContent.match(/\d[.\dk]*/)?.[0]
          .replace('k', 'e3') ||
        all('.md-search-result__item,#mkdocs-search-results article').length;
    }
  }
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

/** @param {any} event */
const click = (event) => {
  /** Nothing for a button that opens a menu. @param {string} selector */
  const near = (selector) => event.button < 2 && event.target.closest(selector);
  const link = near('a');
  if (near('.md-search-result,#mkdocs-search-results')) {
    settle();
    held.u = below(link);
    release();
  } else if (link?.host) {
    if (/\.(?!html?$)[a-z]\w{1,4}$/i.test(link.pathname)) say('download', { k: link.href });
    else if (link.host != location.host) say('outbound', { k: link.href });
  }
  copy(near('[data-clipboard-target]')?.closest('pre'));
  if (near('[data-stats-opt-out]')) {
    // Who is counted again has nothing left of it.
    if (localStorage[OFF]) delete localStorage[OFF];
    else localStorage[OFF] = 1;
    showControls();
  }
  // From here on a rating alone.
  const rating = near('button[data-md-value]');
  const c = +rating.dataset.mdValue;
  event.preventDefault();
  // Of several forms each has its own thanks and comment; what stands in none is all one.
  const form = near('.md-feedback,html');
  const h = headings().find((heading) => heading.compareDocumentPosition(rating) & 4)?.id;
  say('feedback', { c, h }, find('[data-stats-comment]', form));
  show(`[data-stats-comment],div[data-md-value="${c}"]`, form);
  // Last, because there may be none.
  near('fieldset').disabled = true;
};

/** @param {any} pre */
const copy = (pre) => {
  // A button may select what it copies, and then there are two events.
  if (pre && pre != copied) {
    copied = pre;
    // Of the code itself, or of what is around it.
    const marked = pre.lastElementChild?.closest('[class*=language-]');
    const k = marked?.className.match(/language-(\S*)/)[1];
    say('copy', { k, c: all('pre').indexOf(pre) });
  }
};

/** @type {Record<string, (event: any) => void>} */
const handlers = {
  copy: ({ target }) => copy(target.closest('pre')),
  auxclick: click,
  click,
  change({ target }) {
    // Nothing is said of one that has been said already, hence no longer waits.
    if (target == field) {
      held.k = redact(target.value);
      target.disabled = true;
      release();
    }
    // From here on a tab alone. Material chooses the like in other sets too, and marks them meanwhile.
    const [{ dataset, textContent }] = target.labels;
    dataset.mdSwitching ??
      say('tab', { k: textContent, c: target.name.match(/tabbed_(\d+)/)[1] - 1 });
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
    // Material shows its form only where it has an analytics provider of its own.
    show('.md-feedback');
    // Under instant navigation it stays what it was for the first page.
    const r = !where && document.referrer;
    where = page;
    if (page.p == 404) {
      where = { l: Date.now() + '000', p: below(location) };
      say('not_found', { r });
    } else {
      // What may be an anchor: a secret in an address has a name, hence a sign of equality.
      const k = decodeURI(/** @type {any} */ (location)).match(/#([^\s%=&]{1,200})$/)?.[1];
      if (k && !find(`[id="${k}"],a[name="${k}"]`)) say('anchor', { k, r });
    }
  }

  const text = find('.md-search__input,#mkdocs-search-query')?.value.trim();
  if (query != text) {
    query = text;
    still = 0;
  } else if (!((still += passed) < 1e3)) settle();

  bottom = Math.max(bottom, scrollY + innerHeight);
  // The document may have grown, so what was the end is no more; the tracker takes more than 100 for 100.
  page.d = ((bottom / document.documentElement.scrollHeight) * 100 + 0.5) | 0;

  if ((spent += passed) > 250) {
    /** Where a section ends: at the next heading, the last one at the end of the page. */
    let end = 1;
    for (const heading of headings()) {
      const { id } = heading;
      const [box] = heading.getClientRects();
      // That of a dialog that is closed has none.
      if (box) {
        // A message must stay below 4,096 bytes.
        if (box.y < innerHeight && end > 0 && (page.h[id] || !JSON.stringify(page.h)[1e3])) {
          page.h[id] = (page.h[id] | 0) + spent;
        }
        end = box.y;
      }
    }
    spent = 0;
  }

  // Last, because a storage may be forbidden.
  showControls();
});
