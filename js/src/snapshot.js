/**
 * The answer of `GET /api/stats` (`docs/wire.md`), checked before anything is shown of it.
 *
 * @typedef {'home' | 'blog' | 'page' | 'stats' | 'other'} PageType
 *
 * @typedef {object} Row one page and its number: views, or visitors at this moment
 * @property {string} path
 * @property {string | null} title
 * @property {PageType} type
 * @property {number} number
 *
 * @typedef {object} Look one counted view
 * @property {string} at RFC 3339
 * @property {string} path
 * @property {string | null} title
 * @property {string} country empty when unknown
 * @property {string} referrer a host, empty for none
 *
 * @typedef {Record<Count, number> & Record<List, Row[]> & {
 *   trackingSince: Date | null, siteUrl: string | null, minutes: number[], recent: Look[] }} Snapshot
 *
 * @typedef {typeof COUNTS[number]} Count
 * @typedef {keyof typeof LISTS} List
 */

export const COUNTS = /** @type {const} */ ([
  'activeVisitors',
  'totalPageViews',
  'uniqueVisitors',
  'publishedPosts',
  'publishedPages',
]);

/** The lists, and which key of a row is its number. */
export const LISTS = /** @type {const} */ ({ activeByPath: 'visitors', pageStats: 'views' });

const TYPES = ['home', 'blog', 'page', 'stats'];

/**
 * @param {unknown} value parsed JSON
 * @returns {Snapshot | null} null when any part that is shown is missing or of another form
 */
export function readSnapshot(value) {
  try {
    const source = readObject(value);
    const counts = COUNTS.map((name) => [name, readCount(source[name])]);
    const lists = Object.entries(LISTS).map(([name, key]) => [name, readRows(source[name], key)]);
    return {
      ...Object.fromEntries([...counts, ...lists]),
      trackingSince: readTime(source.trackingSince),
      siteUrl: readAddress(source.siteUrl),
      minutes: readList(source.minutes).map(readCount),
      recent: readList(source.recent).map(readLook),
    };
  } catch {
    return null;
  }
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function readObject(value) {
  if (typeof value !== 'object' || value === null) throw new TypeError('no object');
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} value */
function readCount(value) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new TypeError('no count');
  return Number(value);
}

/** @param {unknown} value @returns {unknown[]} empty where an older tracker has none */
function readList(value) {
  if (value !== undefined && !Array.isArray(value)) throw new TypeError('no list');
  return value ?? [];
}

/** @param {unknown} value @returns {Look} */
function readLook(value) {
  const { at, path, title, country, referrer } = readObject(value);
  if (readTime(at) === null) throw new TypeError('no time');
  for (const text of [path, country, referrer, title ?? '']) {
    if (typeof text !== 'string') throw new TypeError('no text');
  }
  return /** @type {Look} */ ({ at, path, title, country, referrer });
}

/** @param {unknown} value @param {string} key @returns {Row[]} */
function readRows(value, key) {
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value.map((item) => {
    const { path, title, type, [key]: number } = readObject(item);
    // Not always an address: what stands for all paths beyond a bound is called `(other)`.
    if (typeof path !== 'string') throw new TypeError('no path');
    if (typeof title !== 'string' && title !== null) throw new TypeError('no title');
    if (typeof type !== 'string') throw new TypeError('no type');
    // A newer tracker may know more types.
    const known = /** @type {PageType} */ (TYPES.includes(type) ? type : 'other');
    return { path, title, type: known, number: readCount(number) };
  });
}

/** @param {unknown} value */
function readTime(value) {
  if (value === null) return null;
  const time = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new TypeError('no time');
  return time;
}

/** @param {unknown} value */
function readAddress(value) {
  if (typeof value !== 'string' && value !== null) throw new TypeError('no address');
  return value;
}
