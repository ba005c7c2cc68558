/**
 * Makes what the stats page needs of the world, from data that is kept by others:
 *
 * - `../tracker_server/static/world.svg`: each country's outline, by its ISO 3166 code, from Natural
 *   Earth (public domain, packed as world-atlas, ISC). A country too small for that scale is a dot.
 * - `../tracker_server/data/names.json`: what countries and languages are called, from CLDR as
 *   this Node knows it.
 *
 * `node world.mjs` writes them. They are committed and change only when somebody runs this again:
 * another Node knows other names.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { geoArea, geoCentroid, geoNaturalEarth1, geoPath } from 'd3-geo';
import countries from 'i18n-iso-countries';
import { feature } from 'topojson-client';

const HERE = new URL('./', import.meta.url);
/** Of the picture, in its own units, which are whole numbers. */
const WIDTH = 2000;
const HEIGHT = 930;
const DOT = 7;
/** What stands on no map of readers and costs much of the picture. */
const LEFT_OUT = new Set(['AQ']);
const LOCALES = ['en', 'de'];

/** @param {string} scale @returns {Promise<any[]>} */
async function readCountries(scale) {
  const url = new URL(`node_modules/world-atlas/countries-${scale}.json`, HERE);
  const topology = JSON.parse(await readFile(url, 'utf8'));
  const collection = /** @type {any} */ (feature(topology, topology.objects.countries));
  return collection.features;
}

/** @param {any} country @returns {string | undefined} */
function codeOf(country) {
  return country.id === undefined ? undefined : countries.numericToAlpha2(country.id);
}

/**
 * Write a path in whole steps from point to point; rings of less than an area are left out.
 *
 * @param {string} path as d3 writes it: only M, L and Z, absolute
 */
function shorten(path) {
  return path
    .split('M')
    .slice(1)
    .map((ring) => ring.replace('Z', '').split('L'))
    .map((points) => points.map((point) => point.split(',').map((part) => Math.round(+part))))
    .map(writeRing)
    .join('');
}

/** @param {number[][]} points */
function writeRing(points) {
  let [x, y] = points[0];
  const steps = points.slice(1).map(([nextX, nextY]) => {
    const step = [nextX - x, nextY - y];
    [x, y] = [nextX, nextY];
    return step;
  });
  const moved = steps.filter(([right, down]) => right !== 0 || down !== 0);
  if (moved.length < 3) return '';
  const text = moved.map(([right, down]) => `${right}${down < 0 ? '' : ' '}${down}`);
  return `M${points[0][0]} ${points[0][1]}l${text.join(' ').replaceAll(' -', '-')}z`;
}

async function drawWorld() {
  const projection = geoNaturalEarth1();
  const coarse = (await readCountries('110m')).filter(
    (country) => !LEFT_OUT.has(codeOf(country) ?? ''),
  );
  projection.fitSize([WIDTH, HEIGHT], { type: 'FeatureCollection', features: coarse });
  const draw = geoPath(projection);
  /** @type {Map<string, string>} */
  const shapes = new Map();
  let rest = '';
  for (const country of coarse) {
    const path = shorten(draw(country) ?? '');
    const code = codeOf(country);
    // Territories without a code of their own are land and no country of a report.
    if (code === undefined) rest += path;
    else shapes.set(code, `<path id="${code}" d="${path}"/>`);
  }
  for (const country of await readCountries('50m')) {
    const code = codeOf(country);
    if (code === undefined || LEFT_OUT.has(code) || shapes.has(code)) continue;
    if (geoArea(country) === 0) continue;
    const [x, y] = projection(geoCentroid(country)) ?? [0, 0];
    shapes.set(
      code,
      `<circle id="${code}" cx="${Math.round(x)}" cy="${Math.round(y)}" r="${DOT}"/>`,
    );
  }
  const parts = [...shapes.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  const land = parts.filter(([, part]) => part.startsWith('<path')).map(([, part]) => part);
  const dots = parts.filter(([, part]) => !part.startsWith('<path')).map(([, part]) => part);
  const comment =
    '<!-- Made with Natural Earth, which is in the public domain. By js/world.mjs. -->';
  return `${comment}
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">
<g id="land">
${land.join('\n')}
<path d="${rest}"/>
</g>
${dots.join('\n')}
</svg>
`;
}

/** @param {string} locale */
async function nameAll(locale) {
  const zones = JSON.parse(
    await readFile(new URL('../tracker_server/data/time_zones.json', HERE), 'utf8'),
  );
  const places = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
  const languages = new Intl.DisplayNames(locale, { type: 'language', fallback: 'none' });
  const codes = [...new Set(Object.values(zones))].sort();
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const pairs = letters.flatMap((one) => letters.map((other) => one + other));
  return {
    countries: nameEach(codes, places),
    languages: nameEach(pairs, languages),
  };
}

/** @param {string[]} codes @param {Intl.DisplayNames} names */
function nameEach(codes, names) {
  const named = codes.map((code) => [code, names.of(code)]);
  return Object.fromEntries(named.filter(([, name]) => name !== undefined));
}

async function main() {
  const world = await drawWorld();
  await writeFile(new URL('../tracker_server/static/world.svg', HERE), world);
  const names = await Promise.all(LOCALES.map(async (locale) => [locale, await nameAll(locale)]));
  const text = JSON.stringify(Object.fromEntries(names), null, 1);
  await writeFile(new URL('../tracker_server/data/names.json', HERE), `${text}\n`);
  console.log(`world.svg: ${world.length} bytes, ${world.split('id="').length - 2} countries`);
}

await main();
