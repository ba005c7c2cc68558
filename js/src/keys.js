/**
 * What keys do on the page: most press a link or a button that has the key as `data-key`.
 *
 * @param {Document} document
 * @param {{ refresh: () => void }} actions
 */
export function listenToKeys(document, { refresh }) {
  const help = document.querySelector('[data-open="shortcuts"]');
  const dialog = document.querySelector('#shortcuts');
  if (!(help instanceof HTMLElement) || !(dialog instanceof HTMLDialogElement)) return;
  help.hidden = false;
  help.addEventListener('click', () => dialog.showModal());
  // A click on the ground beside the list closes it.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  /** @type {Record<string, () => void>} */
  const actions = { '?': () => dialog.showModal(), d: () => openDays(document), r: refresh };

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === 'Escape') return closeDays(document);
    if (dialog.open || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    const action = actions[key] ?? findLink(document, key);
    if (!action) return;
    event.preventDefault();
    action();
  });

  document.addEventListener('pointerdown', (event) => {
    const inside = event.target instanceof Element && event.target.closest('[data-custom]');
    if (!inside) closeDays(document);
  });
}

/** @param {Document} document @param {string} key @returns {(() => void) | undefined} its press */
function findLink(document, key) {
  if (!/^[a-z0-9]$/.test(key)) return undefined;
  const link = document.querySelector(`[data-key="${key}"]`);
  return link instanceof HTMLElement ? () => link.click() : undefined;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, select') !== null;
}

/** @param {Document} document */
function openDays(document) {
  const days = document.querySelector('[data-custom]');
  if (!(days instanceof HTMLDetailsElement)) return;
  days.open = true;
  days.querySelector('input[type="date"]')?.scrollIntoView({ block: 'nearest' });
  /** @type {HTMLElement | null} */ (days.querySelector('input[type="date"]'))?.focus();
}

/** @param {Document} document */
function closeDays(document) {
  const days = document.querySelector('[data-custom]');
  if (!(days instanceof HTMLDetailsElement) || !days.open) return;
  const inside = days.contains(document.activeElement);
  days.open = false;
  if (inside) days.querySelector('summary')?.focus();
}
