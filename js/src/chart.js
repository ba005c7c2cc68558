/**
 * Draws the series of the page, and reads it out: under the mouse, and by the arrow keys, as a slider
 * whose value is a step of time.
 *
 * Everything that is said comes from the table.
 *
 * @typedef {import('./series.js').Series} Series
 * @typedef {import('./series.js').Step} Step
 */

import uPlot from 'uplot';

import { dataOf, optionsOf, sizeOf } from './plot.js';
import { readSeries, sentence } from './series.js';

/** Pixels of a mouse that has not been dragged. */
const STILL = 4;

/**
 * @param {HTMLElement} plot the place of the chart
 * @param {Element} table with `data-series`
 * @param {(url: string) => void} go
 */
export function drawChart(plot, table, go) {
  const series = readSeries(table);
  const document = plot.ownerDocument;
  const surface = document.createElement('div');
  const tip = document.createElement('div');
  let place = -1;
  const last = series.steps.length - 1;

  /** @param {number} next */
  const point = (next) => {
    place = Math.max(0, Math.min(last, next));
    chart.setCursor({ left: chart.valToPos(place, 'x'), top: 0 }, false);
    read();
  };

  const read = () => {
    const step = series.steps[place];
    if (!step) return;
    surface.setAttribute('aria-valuenow', String(place));
    surface.setAttribute('aria-valuetext', sentence(series, place));
    showTip(tip, chart, series, place);
  };

  const hide = () => {
    tip.hidden = true;
    chart.setCursor({ left: -10, top: -10 }, false);
  };

  surface.className = 'surface';
  surface.tabIndex = 0;
  tip.className = 'tip';
  tip.hidden = true;
  for (const [name, value] of Object.entries({
    role: 'slider',
    'aria-label': `${table.getAttribute('data-label')}. ${table.getAttribute('data-hint')}`,
    'aria-valuemin': '0',
    'aria-valuemax': String(last),
    'aria-valuenow': String(last),
    'aria-valuetext': sentence(series, last),
  })) {
    surface.setAttribute(name, value);
  }
  plot.append(surface);
  const chart = new uPlot(
    optionsOf(plot, series, (index) => {
      place = index;
      read();
    }),
    dataOf(series),
    surface,
  );
  surface.append(tip);

  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => point((place < 0 ? last + 1 : place) - 1),
    ArrowRight: () => point((place < 0 ? last - 1 : place) + 1),
    ArrowDown: () => point((place < 0 ? last + 1 : place) - 1),
    ArrowUp: () => point((place < 0 ? last - 1 : place) + 1),
    PageUp: () => point(place + 7),
    PageDown: () => point(place - 7),
    Home: () => point(0),
    End: () => point(last),
    Enter: () => zoom(place, place),
    Escape: hide,
  };
  surface.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  surface.addEventListener('blur', hide);
  chart.over.addEventListener('mouseleave', () => {
    tip.hidden = true;
  });

  /** @param {number} first @param {number} end */
  const zoom = (first, end) => {
    const from = linkOf(series.steps[first]);
    const to = linkOf(series.steps[end]);
    if (!from || !to) return;
    from.searchParams.set('to', to.searchParams.get('to') ?? '');
    go(from.href);
  };

  let pressed = 0;
  chart.over.addEventListener('mousedown', (event) => {
    pressed = event.clientX;
  });
  chart.over.addEventListener('mouseup', (event) => {
    if (event.button !== 0 || place < 0) return;
    const moved = event.clientX - pressed;
    const left = event.clientX - chart.over.getBoundingClientRect().left;
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (Math.abs(moved) < STILL) return zoom(place, place);
    const ends = [chart.posToIdx(left - moved), chart.posToIdx(left)].sort((a, b) => a - b);
    zoom(ends[0], ends[1]);
  });

  const resizer = new ResizeObserver(() => {
    const { width, height } = sizeOf(plot);
    if (width > 0) chart.setSize({ width, height });
  });
  resizer.observe(plot);
  plot.classList.add('drawn');

  return {
    /** Take the chart away; `focused` if it had the focus. */
    destroy: () => {
      const focused = surface === document.activeElement;
      resizer.disconnect();
      chart.destroy();
      surface.remove();
      plot.classList.remove('drawn');
      return { focused, place };
    },
    /** Have the focus, at a step. @param {number} at */
    focus: (at) => {
      surface.focus({ preventScroll: true });
      if (at >= 0) point(at);
    },
  };
}

/** @param {Step | undefined} step */
function linkOf(step) {
  return step?.link ? new URL(step.link) : undefined;
}

/** @param {HTMLElement} tip @param {uPlot} chart @param {Series} series @param {number} place */
function showTip(tip, chart, series, place) {
  const step = series.steps[place];
  const lines = step.texts.map((text, column) => {
    const quiet = series.names[column] !== series.metric;
    return makeLine(tip, quiet ? 'quiet' : '', series.titles[column], text);
  });
  const deploys = step.deploys ? [makeLine(tip, 'quiet', step.deploys)] : [];
  tip.replaceChildren(makeLine(tip, 'when', step.label), ...lines, ...deploys);
  tip.hidden = false;
  const left = chart.valToPos(place, 'x') + chart.over.offsetLeft;
  const room = (tip.parentElement?.clientWidth ?? 0) - left;
  const gap = 12;
  const width = tip.offsetWidth;
  const x = room > width + gap * 2 ? left + gap : Math.max(0, left - width - gap);
  tip.style.transform = `translateX(${Math.round(x)}px)`;
}

/** @param {Element} tip @param {string} name @param {string[]} texts */
function makeLine(tip, name, ...texts) {
  const line = tip.ownerDocument.createElement('p');
  line.className = name;
  line.append(
    ...texts.map((text) => {
      const part = tip.ownerDocument.createElement('span');
      part.textContent = text;
      return part;
    }),
  );
  return line;
}
