/** Where a tracker is asked, and how it is asked for something. */

/**
 * The address of one of the tracker's interfaces, whether or not its own ends in a slash.
 *
 * @param {string} tracker
 * @param {string} path starts with a slash
 */
export const endpoint = (tracker, path) => tracker.replace(/\/*$/, path);

/**
 * Get JSON, asking the tracker each time: the browser adds the ETag it remembers.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<unknown>} undefined when there is none, for whatever reason
 */
export async function getJson(fetch, url, signal) {
  try {
    const answer = await fetch(url, { cache: 'no-cache', signal });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}
