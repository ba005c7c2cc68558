/**
 * Prints {"path": …} of the headless shell that `npm ci` brought along, for browser tests where no
 * Chromium is installed. Unpacks it on its first run, and its libraries too where the system has none.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import chromium from '@sparticuz/chromium';

const LIBRARIES = new URL('./node_modules/@sparticuz/chromium/bin/al2023.tar.br', import.meta.url);

/** @param {string} file */
function runs(file) {
  return spawnSync(file, ['--version']).status === 0;
}

/**
 * Make a command that finds the libraries which the package brings for systems without them.
 *
 * @param {string} file
 */
function withLibraries(file) {
  const folder = join(tmpdir(), 'mkdocs-stats-chromium');
  const command = join(folder, 'chromium');
  mkdirSync(folder, { recursive: true });
  spawnSync('tar', ['-x', '-C', folder], { input: brotliDecompressSync(readFileSync(LIBRARIES)) });
  const lines = ['#!/bin/sh', `export LD_LIBRARY_PATH='${folder}/lib'`, `exec '${file}' "$@"`, ''];
  writeFileSync(command, lines.join('\n'), { mode: 0o755 });
  return command;
}

const unpacked = await chromium.executablePath();
console.log(JSON.stringify({ path: runs(unpacked) ? unpacked : withLibraries(unpacked) }));
