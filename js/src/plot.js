/**
 * What uPlot is told: columns, colours, axes, and the marks of deploys.
 *
 * @typedef {import('./series.js').Series} Series
 */

import uPlot from 'uplot';

const MINUTE = 60;
const HOUR = 3_600;
/** Seconds that make a good step of an axis of time spent. */
const SPANS = [1, 5, 15, 30, MINUTE, 300, 600, 1_800, HOUR, 2 * HOUR, 5 * HOUR, 10 * HOUR];

/**
 * The columns of the chart: places, the metric, its last step where that goes on, the period before.
 *
 * @param {Series} series
 * @returns {uPlot.AlignedData}
 */
export function dataOf({ names, metric, values, steps, goesOn }) {
  const numbers = values[names.indexOf(metric)] ?? [];
  const end = numbers.findLastIndex((number) => number !== null);
  const over = goesOn ? numbers.map((number, index) => (index < end ? number : null)) : numbers;
  const open = goesOn ? [numbers.map((number, index) => (index < end - 1 ? null : number))] : [];
  const before = values[names.indexOf('before')];
  const data = [steps.map((_, index) => index), over, ...open, ...(before ? [before] : [])];
  return /** @type {uPlot.AlignedData} */ (data);
}

/** @param {HTMLElement} plot */
export function sizeOf(plot) {
  return { width: plot.clientWidth, height: plot.clientHeight };
}

/**
 * @param {HTMLElement} plot
 * @param {Series} series
 * @param {(index: number) => void} pointed
 * @returns {uPlot.Options}
 */
export function optionsOf(plot, series, pointed) {
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
