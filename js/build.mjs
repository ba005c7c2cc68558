/**
 * Bundles the browser scripts and holds them to their budgets.
 *
 * `node build.mjs` writes them; `node build.mjs --check` fails where a committed one differs;
 * `node build.mjs --freeze 1.2.3` keeps those of a release in `released/`.
 */

import { createHash } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const HERE = new URL('./', import.meta.url);

/** Where each script goes, and how many bytes gzip -9 may leave of it. */
const SCRIPTS = [
  { entry: 'src/tracker.js', budget: 1_024, outputs: ['../mkdocs_stats_plugin/assets/tracker.js'] },
  { entry: 'src/extras.js', budget: 1_536, outputs: ['../mkdocs_stats_plugin/assets/extras.js'] },
  { entry: 'src/counters.js', budget: 512, outputs: ['../mkdocs_stats_plugin/assets/counters.js'] },
  {
    entry: 'src/stats.js',
    budget: 8_192,
    outputs: ['../mkdocs_stats_plugin/assets/stats.js'],
  },
  { entry: 'src/dashboard.js', budget: 40_960, outputs: ['../tracker_server/static/stats.js'] },
];

/** What the tracker's own page loads, and how many bytes gzip -9 may leave of all of it. */
const PAGE = {
  files: ['../tracker_server/static/stats.js', '../tracker_server/static/stats.css'],
  budget: 61_440,
};

/**
 * What needs no function around it: the tracker's scope is a `try`, and the extras are a module.
 *
 * @type {Record<string, import('esbuild').Format>}
 */
const FORMATS = { 'src/tracker.js': 'esm', 'src/extras.js': 'esm', 'src/dashboard.js': 'esm' };

/** What of others goes into a script, whose licences want their names in it. @type {Record<string, string>} */
const BANNERS = {
  'src/dashboard.js': '/*! mkdocs-stats, MIT. Contains uPlot, MIT, (c) Leon Sorokin */',
};

/**
 * @param {string} entry
 * @param {boolean} [readable] for tests: names kept
 * @returns {Promise<string>}
 */
export async function bundle(entry, readable = false) {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(HERE),
    entryPoints: [entry],
    bundle: true,
    format: FORMATS[entry] ?? 'iife',
    target: 'es2021',
    charset: 'utf8',
    legalComments: 'none',
    minify: !readable,
    // Of the names of ours that the scripts contain, hence nearly free.
    banner: { js: BANNERS[entry] ?? '/*!mkdocs-stats, MIT*/' },
    tsconfigRaw: {},
    write: false,
  });
  return outputFiles[0].text;
}

/** @param {string} text */
function measure(text) {
  return {
    raw: Buffer.byteLength(text),
    gzip: gzipSync(text, { level: 9 }).length,
    brotli: brotliCompressSync(text).length,
  };
}

/** Hold the whole page to its budget, with the style that no build makes. */
async function weighPage() {
  const contents = await Promise.all(
    PAGE.files.map((file) => readFile(new URL(file, HERE), 'utf8')),
  );
  const gzip = contents.map((content) => measure(content).gzip).reduce((one, other) => one + other);
  console.log(`the tracker's page: ${gzip} gzip -9 (budget ${PAGE.budget})`);
  if (gzip > PAGE.budget)
    fail(`The tracker's page is ${gzip - PAGE.budget} bytes over its budget.`);
}

/** @param {string} text @param {string} output */
async function differs(text, output) {
  const committed = await readFile(new URL(output, HERE), 'utf8').catch(() => null);
  return committed !== text;
}

async function main() {
  const frozen = process.argv.indexOf('--freeze');
  if (frozen > 0) return freeze(process.argv[frozen + 1]);
  const checks = process.argv.includes('--check');
  for (const { entry, budget, outputs } of SCRIPTS) {
    const text = await bundle(entry);
    const { raw, gzip, brotli } = measure(text);
    console.log(`${entry}: ${raw} raw, ${gzip} gzip -9 (budget ${budget}), ${brotli} brotli`);
    if (gzip > budget) fail(`${entry} is ${gzip - budget} bytes over its budget.`);
    for (const output of outputs) {
      if (!checks) await writeFile(new URL(output, HERE), text);
      else if (await differs(text, output)) fail(`${output} differs. Run npm run build.`);
    }
  }
  await weighPage();
}

/**
 * Keep what is committed under a version, for ever: sites go on serving it.
 *
 * @param {string | undefined} version
 */
async function freeze(version) {
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version ?? '')) return fail('Which version? --freeze 1.2.3');
  for (const name of ['tracker', 'extras']) {
    const content = await readFile(new URL(`../mkdocs_stats_plugin/assets/${name}.js`, HERE));
    const file = `${name}-${version}.js`;
    // Never twice: what was released stays what it was.
    await writeFile(new URL(`released/${file}`, HERE), content, { flag: 'wx' });
    const sum = createHash('sha256').update(content).digest('hex');
    await appendFile(new URL('released/SHA256SUMS', HERE), `${sum}  ${file}\n`);
    console.log(`released/${file}`);
  }
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
