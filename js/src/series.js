/**
 * The series that the page has as a table, which the server wrote in the reader's language.
 *
 * @typedef {object} Step one row
 * @property {string} label
 * @property {string} tick
 * @property {string[]} texts of the columns
 * @property {string} deploys what is said of them
 * @property {string} mark their names
 * @property {string | null} link the view of it alone
 *
 * @typedef {object} Series
 * @property {string} metric which column is drawn
 * @property {string[]} names of the columns
 * @property {string[]} titles of the columns
 * @property {(number | null)[][]} values by column
 * @property {Step[]} steps
 * @property {boolean} goesOn whether the last step is not over yet
 */

/** @param {Element} table @returns {Series} */
export function readSeries(table) {
  const heads = [...table.querySelectorAll('thead [data-name]')];
  const rows = [...table.querySelectorAll('tbody tr')];
  const cells = rows.map((row) => [...row.querySelectorAll('td')]);
  return {
    metric: table.getAttribute('data-metric') ?? 'views',
    names: heads.map((head) => head.getAttribute('data-name') ?? ''),
    titles: heads.map((head) => head.textContent ?? ''),
    goesOn: table.hasAttribute('data-goes-on') && rows.length > 1,
    values: heads.map((_, column) => cells.map((row) => numberOf(row[column]))),
    steps: rows.map((row, index) => {
      const head = /** @type {Element} */ (row.querySelector('th'));
      const deploys = head.querySelector('.deploy');
      return {
        label: [...head.childNodes]
          .filter((node) => node !== deploys)
          .map((node) => node.textContent)
          .join('')
          .trim(),
        tick: row.getAttribute('data-tick') ?? '',
        texts: cells[index].map((cell) => cell.textContent ?? ''),
        deploys: deploys?.textContent ?? '',
        mark: deploys?.querySelector('b')?.textContent ?? '',
        link: head.querySelector('a')?.href ?? null,
      };
    }),
  };
}

/** @param {Element | undefined} cell @returns {number | null} */
function numberOf(cell) {
  const value = cell?.getAttribute('data-value');
  return value ? Number(value) : null;
}

/** What is read out of a step. @param {Series} series @param {number} place */
export function sentence({ steps, titles }, place) {
  const step = steps[place];
  if (!step) return '';
  const parts = step.texts.map((text, column) => `${titles[column]} ${text}`);
  return [step.label, ...parts, step.deploys].filter(Boolean).join(', ');
}
