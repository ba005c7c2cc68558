/**
 * Brings the views that a page shows up to date: `<span data-stats-views="/guide/">1 234</span>`.
 *
 * It stands in the content of pages that have such numbers and runs once for each of them; under
 * instant navigation the theme runs it again. What cannot be had leaves the number of the build.
 */

/** What one request may ask for. */
const MAX_PATHS = 200;

const tracker = document.currentScript?.getAttribute('data-tracker') ?? '';

async function show() {
  const elements = [...document.querySelectorAll('[data-stats-views]')];
  const paths = new Set(elements.map((element) => element.getAttribute('data-stats-views') ?? ''));
  const query = [...paths]
    .slice(0, MAX_PATHS)
    .map((path) => `path=${encodeURIComponent(encode(path))}`);
  if (query.length === 0) return;
  try {
    const answer = await fetch(`${tracker}/api/counters?${query.join('&')}`);
    const { counters } = await answer.json();
    for (const { path, views } of counters) {
      if (!Number.isSafeInteger(views)) continue;
      for (const element of elements) {
        if (element.getAttribute('data-stats-views') === path) {
          element.textContent = String(views).replace(/\B(?=(\d{3})+$)/g, '\u202f');
        }
      }
    }
  } catch {} // The tracker is away, or of an older version.
}

/** As in an address, where these three would end the path or begin an escape. @param {string} path */
function encode(path) {
  return path.replace(/[%?#]/g, encodeURIComponent);
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', show);
else show();
