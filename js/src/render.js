/**
 * Puts a snapshot into the page. The elements may be the server's, which are kept: a reader's
 * focus and selection survive, and only what differs is written.
 *
 * No markup is parsed: the page's policy may demand trusted types and forbid style attributes.
 *
 * @typedef {import('./snapshot.js').Snapshot} Snapshot
 * @typedef {import('./snapshot.js').Row} Row
 * @typedef {import('./snapshot.js').List} List
 * @typedef {'live' | 'stale' | 'offline'} State
 * @typedef {(element: Element, value: number) => void} ShowNumber
 */

/** What the types are called; `data-type-blog="Beitrag"` on the root gives another name. */
export const LABELS = {
  home: 'Home',
  blog: 'Post',
  page: 'Page',
  stats: 'Statistics',
  other: 'Not in the site',
};

/** The classes of the cells of a row. @type {Record<List, string[]>} */
const COLUMNS = { activeByPath: ['page', 'number'], pageStats: ['page', 'type', 'number'] };

/**
 * @param {Element} root the element with `data-stats`
 * @returns {(snapshot: Snapshot) => Element[]} shows a snapshot, and returns the elements whose
 *   number is another than in the snapshot before; they have the class `changed`
 */
export function makeRenderer(root) {
  const language = readLanguage(root);
  const numbers = new Intl.NumberFormat(language);
  const dates = new Intl.DateTimeFormat(language, { dateStyle: 'long' });
  /** The number each element shows. Before there is one, what the server wrote is no change. */
  const shown = /** @type {WeakMap<Element, number>} */ (new WeakMap());

  return (snapshot) => {
    /** @type {Element[]} */
    const changed = [];
    /** @type {ShowNumber} */
    const showNumber = (element, value) => {
      setText(element, numbers.format(value));
      if (shown.has(element) && shown.get(element) !== value) changed.push(element);
      shown.set(element, value);
    };
    showFigures(root, snapshot, showNumber, dates);
    for (const body of root.querySelectorAll('[data-stat-rows]')) {
      showList(root, body, snapshot, showNumber);
    }
    for (const element of changed) element.classList.add('changed');
    return changed;
  };
}

/**
 * Say how fresh the numbers are: `data-state` on the root and on the elements that put it in words.
 *
 * @param {Element} root
 * @param {State} state
 */
export function showState(root, state) {
  root.setAttribute('data-state', state);
  for (const element of root.querySelectorAll('[data-stats-state]')) {
    element.setAttribute('data-state', state);
    setText(element, element.getAttribute(`data-${state}`) ?? '');
  }
}

/**
 * The address of a page of the site. Text is joined to text, because `//evil.example/` resolved
 * against an address leads elsewhere.
 *
 * @param {string | null} siteUrl
 * @param {string} path not percent-encoded
 * @returns {string | null} null without a site, or with one that is not on the web
 */
export function linkTo(siteUrl, path) {
  if (siteUrl === null || !/^https?:\/\//.test(siteUrl)) return null;
  try {
    return siteUrl.replace(/\/*$/, '') + path.split('/').map(encode).join('/');
  } catch {
    return null; // Half a surrogate pair has no UTF-8.
  }
}

/** Percent-encode as the server does, which leaves fewer characters. @param {string} text */
function encode(text) {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Call the countries of the build by their names. What the browser does not know stays a code.
 *
 * @param {Element} root
 */
export function nameCountries(root) {
  const language = readLanguage(root);
  for (const element of root.querySelectorAll('[data-country]')) {
    try {
      const names = new Intl.DisplayNames(language, { type: 'region' });
      setText(element, names.of(element.getAttribute('data-country') ?? '') ?? '');
    } catch {} // No code of a country, or a browser before 2021.
  }
}

/** The site's language, or that of the texts where it has none of that kind. @param {Element} root */
function readLanguage(root) {
  try {
    return Intl.getCanonicalLocales(root.closest('[lang]')?.getAttribute('lang') ?? '')[0];
  } catch {
    return undefined; // A theme may write what is no language tag; the browser's own then.
  }
}

/**
 * @param {Element} root
 * @param {Snapshot} snapshot
 * @param {ShowNumber} showNumber
 * @param {Intl.DateTimeFormat} dates
 */
function showFigures(root, snapshot, showNumber, dates) {
  for (const element of root.querySelectorAll('[data-stat]')) {
    const name = /** @type {keyof Snapshot} */ (element.getAttribute('data-stat'));
    const value = snapshot[name];
    if (typeof value === 'number') showNumber(element, value);
    else if (name === 'trackingSince') showTime(element, snapshot.trackingSince, dates);
  }
}

/** @param {Element} element @param {Date | null} time @param {Intl.DateTimeFormat} dates */
function showTime(element, time, dates) {
  if (time) {
    // The server may have written the same moment in another form, which is no worse.
    if (Date.parse(element.getAttribute('datetime') ?? '') === time.getTime()) return;
    element.setAttribute('datetime', time.toISOString());
    setText(element, dates.format(time));
  } else {
    element.removeAttribute('datetime');
    setText(element, element.getAttribute('data-empty') ?? '');
  }
}

/**
 * @param {Element} root
 * @param {Element} body
 * @param {Snapshot} snapshot
 * @param {ShowNumber} showNumber
 */
function showList(root, body, snapshot, showNumber) {
  const name = /** @type {List} */ (body.getAttribute('data-stat-rows'));
  const columns = COLUMNS[name];
  if (!columns) return;
  const rows = snapshot[name];
  const most = Math.max(1, ...rows.map((row) => row.number));
  const elements = placeRows(body, rows, columns);
  rows.forEach((row, index) => {
    const element = elements[index];
    showPage(cellOf(element, 'page'), row, linkTo(snapshot.siteUrl, row.path));
    showNumber(cellOf(element, 'number'), row.number);
    if (name === 'pageStats') {
      const label = root.getAttribute(`data-type-${row.type}`) ?? LABELS[row.type];
      setText(cellOf(element, 'type'), label);
      element.style.setProperty('--share', String(Math.round((row.number / most) * 1e4) / 1e4));
    }
  });
}

/**
 * Bring the rows of a table into order, moving, adding and removing as few as is cheap to find out.
 *
 * @param {Element} body
 * @param {Row[]} rows
 * @param {string[]} columns
 * @returns {HTMLElement[]} the rows' elements
 */
function placeRows(body, rows, columns) {
  const known = new Map();
  const wanted = new Set(rows.map((row) => row.path));
  for (const element of [...body.children]) {
    const path = element.getAttribute('data-path');
    if (path !== null && wanted.has(path) && isComplete(element, columns)) known.set(path, element);
    else element.remove();
  }
  if (rows.length === 0) body.append(makeEmptyRow(body, columns.length));
  let next = body.firstElementChild;
  return rows.map(({ path }) => {
    const element = known.get(path) ?? makeRow(body.ownerDocument, path, columns);
    // One row fell: take that one out of the way instead of moving all others past it.
    if (next && next.nextElementSibling === element) {
      body.append(next);
      next = element;
    }
    if (next === element) next = element.nextElementSibling;
    else body.insertBefore(element, next);
    return element;
  });
}

/** @param {Element} row @param {string[]} columns */
function isComplete(row, columns) {
  return columns.every((column) => row.querySelector(`.${column}`));
}

/** @param {Document} document @param {string} path @param {string[]} columns */
function makeRow(document, path, columns) {
  const row = document.createElement('tr');
  row.setAttribute('data-path', path);
  for (const column of columns) row.append(make(document, 'td', column, ''));
  return row;
}

/** @param {Element} body @param {number} span */
function makeEmptyRow(body, span) {
  const document = body.ownerDocument;
  const row = make(document, 'tr', 'empty', '');
  const cell = document.createElement('td');
  cell.setAttribute('colspan', String(span));
  cell.textContent = body.getAttribute('data-empty') ?? '';
  row.append(cell);
  return row;
}

/**
 * Show a page as the server's template does: title, linked, and path. A path that the site does
 * not know is only that, for there is nothing behind a link.
 *
 * @param {Element} cell
 * @param {Row} row
 * @param {string | null} href
 */
function showPage(cell, { path, title }, href) {
  const document = cell.ownerDocument;
  const text = title === null ? path : `${title} ${path}`;
  const link = cell.querySelector('a');
  const wanted = title === null ? null : href;
  if (cell.textContent === text && (link?.getAttribute('href') ?? null) === wanted) return;
  const name = title ?? path;
  const rest = title === null ? [] : [' ', make(document, 'span', 'path', path)];
  cell.replaceChildren(wanted === null ? name : makeLink(document, wanted, name), ...rest);
}

/** @param {Document} document @param {string} href @param {string} text */
function makeLink(document, href, text) {
  const link = document.createElement('a');
  link.setAttribute('href', href);
  link.textContent = text;
  return link;
}

/** @param {Document} document @param {string} tag @param {string} name @param {string} text */
function make(document, tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

/** @param {Element} row @param {string} name */
function cellOf(row, name) {
  return /** @type {Element} */ (row.querySelector(`.${name}`));
}

/** Write only what differs: a selection inside survives. @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
