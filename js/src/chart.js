/**
 * Draws the series that the page has as a table, and reads it out: under the mouse, and by the arrow
 * keys, as a slider whose value is a step of time.
 *
 * Everything that is said comes from the table, which the server wrote in the reader's language.
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

import uPlot from 'uplot';

const MINUTE = 60;
const HOUR = 3_600;
/** Seconds that make a good step of an axis of time spent. */
const SPANS = [1, 5, 15, 30, MINUTE, 300, 600, 1_800, HOUR, 2 * HOUR, 5 * HOUR, 10 * HOUR];
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

/** @param {Element} table @returns {Series} */
function readSeries(table) {
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

/** @param {Step | undefined} step */
function linkOf(step) {
  return step?.link ? new URL(step.link) : undefined;
}

/**
 * The columns of the chart: places, the metric, its last step where that goes on, the period before.
 *
 * @param {Series} series
 * @returns {uPlot.AlignedData}
 */
function dataOf({ names, metric, values, steps, goesOn }) {
  const numbers = values[names.indexOf(metric)] ?? [];
  const end = numbers.findLastIndex((number) => number !== null);
  const over = goesOn ? numbers.map((number, index) => (index < end ? number : null)) : numbers;
  const open = goesOn ? [numbers.map((number, index) => (index < end - 1 ? null : number))] : [];
  const before = values[names.indexOf('before')];
  const data = [steps.map((_, index) => index), over, ...open, ...(before ? [before] : [])];
  return /** @type {uPlot.AlignedData} */ (data);
}

/** @param {HTMLElement} plot */
function sizeOf(plot) {
  return { width: plot.clientWidth, height: plot.clientHeight };
}

/**
 * @param {HTMLElement} plot
 * @param {Series} series
 * @param {(index: number) => void} pointed
 * @returns {uPlot.Options}
 */
function optionsOf(plot, series, pointed) {
  const style = getComputedStyle(plot);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const size = Number.parseFloat(getComputedStyle(plot.ownerDocument.documentElement).fontSize);
  const font = `${(size * 0.75).toFixed(1)}px ${style.fontFamily}`;
  const axis = { stroke: colour('quiet'), font, grid: { show: false }, ticks: { show: false } };
  const accent = colour('accent');
  const lines = linesOf(series, accent, colour('before'));
  return {
    ...sizeOf(plot),
    padding: [size * 0.75, size * 1.5, 0, 0],
    legend: { show: false },
    scales: {
      x: {
        time: false,
        range: (_, least, most) => (least === most ? [least - 1, most + 1] : [least, most]),
      },
      y: { range: (_, __, most) => [0, Math.max(1, most ?? 0) * 1.08] },
    },
    axes: [
      {
        ...axis,
        size: size * 2,
        gap: size * 0.6,
        space: size * 5.5,
        incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 48, 56, 84, 168],
        values: (_, places) => places.map((place) => series.steps[place]?.tick ?? ''),
      },
      {
        ...axis,
        size: size * 3.2,
        gap: 8,
        space: size * 3,
        grid: { stroke: colour('line'), width: 1 },
        ...measure(series.metric, plot.ownerDocument.documentElement.lang),
      },
    ],
    series: [{}, ...lines],
    cursor: {
      y: false,
      // The line stands at a step, not between two.
      move: (chart, left, top) => [
        left < 0 ? left : chart.valToPos(chart.posToIdx(left), 'x'),
        top,
      ],
      drag: { x: true, y: false, setScale: false },
      points: {
        size: 9,
        width: 2,
        stroke: () => colour('card'),
        fill: (_, index) => lines[index - 1].stroke,
      },
    },
    hooks: {
      setCursor: [
        ({ cursor }) => {
          if (cursor.event && typeof cursor.idx === 'number') pointed(cursor.idx);
        },
      ],
      drawAxes: [(chart) => drawDeploys(chart, series, colour('quiet'), font)],
    },
  };
}

/**
 * How the columns of `dataOf` are drawn: what goes on and what was before with dashes.
 *
 * @param {Series} series
 * @param {string} accent
 * @param {string} quiet
 * @returns {(uPlot.Series & { stroke: string })[]}
 */
function linesOf({ steps, names, goesOn }, accent, quiet) {
  const points = { show: false };
  /** @type {uPlot.Series['fill']} */
  const fill = (chart) => fade(chart, accent);
  const alone = { show: steps.length === 1, size: 8, fill: accent };
  /** @type {(uPlot.Series & { stroke: string })[]} */
  const lines = [{ stroke: accent, width: 2, fill, points: alone }];
  if (goesOn) lines.push({ stroke: accent, width: 2, fill, dash: [2, 4], points });
  if (names.includes('before')) lines.push({ stroke: quiet, width: 1.5, dash: [5, 4], points });
  return lines;
}

/** How the axis of a metric is divided and written. @param {string} metric @param {string} language */
function measure(metric, language) {
  const numbers = new Intl.NumberFormat(language, {
    notation: 'compact',
    maximumFractionDigits: 1,
  });
  if (metric !== 'engaged') {
    return {
      incrs: [1, 2, 5]
        .flatMap((unit) => [...Array(9)].map((_, power) => unit * 10 ** power))
        .sort((a, b) => a - b),
      values: (/** @type {uPlot} */ _, /** @type {number[]} */ splits) =>
        splits.map((value) => numbers.format(value)),
    };
  }
  const many = [1, 2, 5].flatMap((unit) =>
    [10, 100, 1_000, 10_000].map((ten) => unit * ten * HOUR),
  );
  return {
    incrs: [...SPANS, ...many.sort((a, b) => a - b)],
    values: (/** @type {uPlot} */ _, /** @type {number[]} */ splits) => {
      const most = splits[splits.length - 1] ?? 0;
      const [unit, name] = most >= HOUR ? [HOUR, 'h'] : most >= MINUTE ? [MINUTE, 'min'] : [1, 's'];
      // As the server writes them: these symbols are everybody's.
      return splits.map((value) => `${numbers.format(value / unit)}\u00a0${name}`);
    },
  };
}

/** @param {uPlot} chart @param {string} accent */
function fade({ ctx, bbox }, accent) {
  const fill = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  fill.addColorStop(0, `color-mix(in srgb, ${accent} 22%, transparent)`);
  fill.addColorStop(1, `color-mix(in srgb, ${accent} 2%, transparent)`);
  return fill;
}

/**
 * @param {uPlot} chart
 * @param {Series} series
 * @param {string} colour
 * @param {string} font
 */
function drawDeploys(chart, { steps }, colour, font) {
  const { ctx, bbox } = chart;
  const ratio = uPlot.pxRatio;
  let free = 0;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = ratio;
  ctx.font = font.replace(/^[\d.]+/, (size) => String(Number(size) * ratio));
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.setLineDash([ratio * 2, ratio * 3]);
  steps.forEach(({ mark }, index) => {
    if (!mark) return;
    const x = Math.round(chart.valToPos(index, 'x', true)) + ratio / 2;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const end = x + ratio * 4 + ctx.measureText(mark).width;
    // Names that would lie on each other, or leave the picture, are read out only.
    if (x < free || end > bbox.left + bbox.width) return;
    ctx.fillText(mark, x + ratio * 4, bbox.top);
    free = end;
  });
  ctx.restore();
}

/** What is read out of a step. @param {Series} series @param {number} place */
function sentence({ steps, titles }, place) {
  const step = steps[place];
  if (!step) return '';
  const parts = step.texts.map((text, column) => `${titles[column]} ${text}`);
  return [step.label, ...parts, step.deploys].filter(Boolean).join(', ');
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
