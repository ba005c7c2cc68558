/**
 * What a message says (`docs/wire.md`), and where there is none to send.
 *
 * @typedef {{ z: string, g: string, w: number } | { n: 'not_found' }} Details
 *   what a view or an event says beside type, ids and path
 */

/** A session id, roughly. Another's value under our key would have every message refused. */
export const SESSION = /^\S{36}$/;

/** Origins that may have readers. A file's is `null` or `file://`. */
export const WEB = /^h/;

/** Those that are not the author's own machine. No public name ends in the word `localhost`. */
export const WEB_ELSEWHERE = /^h(?!.*(\/127\.\d|\[::1]|\blocalhost(:|$)))/;

/**
 * The path of a page that does not say what it is: the location's below the site root.
 *
 * The root is at the start of the path, or else this is a page that the script does not know how
 * to place; it then gets some path, which at least starts with a slash.
 *
 * @param {string} pathname
 * @param {string} script address of the script, which is two folders below the root
 */
export const below = (pathname, script) => pathname.replace(new URL('../..', script).pathname, '/');
