/** Lengths of time in milliseconds. The clock itself is the caller's. */

/**
 * How long to wait after so many failures in a row: 2, 4, 8, 16, then 30 seconds.
 *
 * @param {number} failures 0 after an answer
 */
export const backoff = (failures) => Math.min(30_000, 2_000 * 2 ** Math.max(0, failures - 1));
