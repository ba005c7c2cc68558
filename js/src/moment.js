/**
 * Shows the figures of this moment on the tracker's own page: who reads what, the last minutes, and
 * the latest views. Rows are copies of the server's, which lie in templates; no markup is parsed.
 *
 * @typedef {import('./snapshot.js').Snapshot} Snapshot
 * @typedef {(path: string) => string} LinkTo the address of the view of a page
 */

/** Height of the picture of the minutes in its own units, and that of a bar for nothing. */
const TALL = 64;
const LEAST = 1.5;
/** The number of views that fills it when there were fewer. */
const FEW = 4;

/**
 * @param {Document} document
 * @param {LinkTo} linkTo
 * @returns {(snapshot: Snapshot) => void} shows a snapshot in whatever of it is on the page
 */
export function makeMoment(document, linkTo) {
  const language = document.documentElement.lang;
  const numbers = new Intl.NumberFormat(language);
  const places = new Intl.DisplayNames(language, { type: 'region' });
  const times = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  /** @type {string | undefined} the latest view when the page was shown last */
  let latest;

  /** @param {Element} element @param {number} value */
  const showNumber = (element, value) => {
    const text = numbers.format(value);
    if (element.textContent === text) return;
    element.textContent = text;
    mark(element);
  };

  /** @param {Snapshot} snapshot */
  const showFigures = (snapshot) => {
    for (const element of document.querySelectorAll('[data-stat]')) {
      const name = /** @type {keyof Snapshot} */ (element.getAttribute('data-stat'));
      const value = snapshot[name];
      if (typeof value === 'number') showNumber(element, value);
    }
    const label = document.querySelector('[data-readers]');
    if (label) setText(label, textFor(label, snapshot.activeVisitors));
    for (const element of document.querySelectorAll('[data-readers-of]')) {
      const path = element.getAttribute('data-readers-of');
      const row = snapshot.activeByPath.find((one) => one.path === path);
      const number = element.querySelector('[data-number]');
      if (number) showNumber(number, row?.number ?? 0);
    }
  };

  /** @param {Snapshot} snapshot */
  const showReading = ({ activeByPath }) => {
    const body = document.querySelector('[data-stat-rows="activeByPath"]');
    if (!body) return;
    const shown = activeByPath.slice(0, Number(body.getAttribute('data-rows')));
    const rows = place(body, shown, (row) => row.path, 'reading');
    shown.forEach((row, index) => {
      setText(linkOf(rows[index], row.path), row.title ?? row.path);
      const number = rows[index].querySelector('[data-number]');
      if (number) showNumber(number, row.number);
    });
    const rest = document.querySelector('[data-rest]');
    if (!(rest instanceof HTMLElement)) return;
    const more = activeByPath.length - shown.length;
    rest.hidden = more === 0;
    setText(rest, more === 0 ? '' : textFor(rest, more).replace('{n}', numbers.format(more)));
  };

  /** @param {Element} row @param {string} path */
  const linkOf = (row, path) => {
    const link = /** @type {Element} */ (row.querySelector('[data-row-link]'));
    const href = linkTo(path);
    if (link.getAttribute('href') !== href) link.setAttribute('href', href);
    return link;
  };

  /** @param {Snapshot} snapshot */
  const showFeed = ({ recent }) => {
    const list = document.querySelector('[data-feed]');
    if (!list) return;
    const shown = recent.slice(0, Number(list.getAttribute('data-rows')));
    const rows = place(list, shown, (view) => `${view.at} ${view.path}`, 'feed');
    shown.forEach((view, index) => {
      const row = rows[index];
      const time = /** @type {Element} */ (row.querySelector('time'));
      time.setAttribute('datetime', view.at);
      setText(time, times.format(new Date(view.at)));
      setText(linkOf(row, view.path), view.title ?? view.path);
      const from = [view.country && nameOf(places, view.country), view.referrer];
      const whence = row.querySelector('.whence');
      if (whence) setText(whence, from.filter(Boolean).join(' · '));
      row.classList.toggle('new', latest !== undefined && view.at > latest);
    });
    latest = recent[0]?.at ?? latest ?? '';
  };

  /** @param {Snapshot} snapshot */
  const showMinutes = ({ minutes }) => {
    const picture = document.querySelector('[data-minutes]');
    if (!picture) return;
    const most = Math.max(FEW, ...minutes);
    picture.querySelectorAll('rect').forEach((bar, index) => {
      const tall = Math.max(LEAST, ((minutes[index] ?? 0) * TALL) / most);
      bar.setAttribute('y', (TALL - tall).toFixed(1));
      bar.setAttribute('height', tall.toFixed(1));
    });
    const label = picture.getAttribute('data-label') ?? '';
    picture.setAttribute('aria-label', label.replace('{numbers}', minutes.join(', ')));
    const place = document.querySelector('[data-minutes-sum]');
    const sum = minutes.reduce((one, other) => one + other, 0);
    if (place) setText(place, textFor(place, sum).replace('{n}', numbers.format(sum)));
  };

  return (snapshot) => {
    showFigures(snapshot);
    showReading(snapshot);
    showFeed(snapshot);
    showMinutes(snapshot);
  };
}

/** Let a number that changed be seen to have, each time anew. @param {Element} element */
function mark(element) {
  element.classList.remove('changed');
  element.getBoundingClientRect(); // Else the animation would not begin again.
  element.classList.add('changed');
}

/** @param {Intl.DisplayNames} places @param {string} code */
function nameOf(places, code) {
  try {
    return places.of(code) ?? code;
  } catch {
    return code; // What stands for all others is no code.
  }
}

/** @param {Element} element @param {number} count */
function textFor(element, count) {
  return element.getAttribute(count === 1 ? 'data-one' : 'data-other') ?? '';
}

/**
 * Bring the rows of a list into order; those that stay keep their elements, hence their focus.
 *
 * @template T
 * @param {Element} list
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {string} template
 * @returns {Element[]} the rows of the items
 */
function place(list, items, keyOf, template) {
  /** @type {Map<string, Element>} */
  const known = new Map();
  for (const row of list.children) {
    const key = row.getAttribute('data-at') ?? row.getAttribute('data-path');
    if (key) known.set(key, row);
  }
  const rows = items.map((item) => known.get(keyOf(item)) ?? copy(list, template, keyOf(item)));
  if (rows.length === 0) rows.push(emptyRow(list));
  for (const row of [...list.children]) if (!rows.includes(row)) row.remove();
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  return rows;
}

/** @param {Element} list @param {string} name @param {string} key */
function copy(list, name, key) {
  const template = /** @type {HTMLTemplateElement} */ (
    list.ownerDocument.querySelector(`template[data-row="${name}"]`)
  );
  const source = /** @type {Element} */ (template.content.firstElementChild);
  const row = list.ownerDocument.importNode(source, true);
  const time = row.querySelector('time');
  row.setAttribute(time ? 'data-at' : 'data-path', key);
  return row;
}

/** @param {Element} list */
function emptyRow(list) {
  const kept = list.querySelector('.empty');
  if (kept) return kept;
  const document = list.ownerDocument;
  const table = list.localName === 'tbody';
  const row = document.createElement(table ? 'tr' : 'li');
  row.className = 'empty';
  const cell = table ? row.appendChild(document.createElement('td')) : row;
  if (table) cell.setAttribute('colspan', '2');
  cell.textContent = list.getAttribute('data-empty');
  return row;
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
