/**
 * Prints {"path": …} of a Chromium for the browser tests: an installed one, else the one that
 * `npm ci` brought along, which this unpacks on its first run.
 */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import chromium from '@sparticuz/chromium';

const NAMES = ['chromium', 'google-chrome', 'chromium-browser'];

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
const installed = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
const path = installed.find(isExecutable) ?? (await chromium.executablePath());
console.log(JSON.stringify({ path }));
