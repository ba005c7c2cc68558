/** What was released goes on working, and stays what it was. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Browser } from './browser.js';

const FOLDER = new URL('../released/', import.meta.url);
const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.js'));
const sums = await readFile(new URL('SHA256SUMS', FOLDER), 'utf8');
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** @param {string} file */
const read = (file) => readFile(new URL(file, FOLDER), 'utf8');

describe('released scripts', () => {
  it('are those of the list', () => {
    const listed = [...sums.matchAll(/^[\da-f]{64} {2}(\S+)$/gm)].map(([, file]) => file);

    assert.ok(files.length > 0);
    assert.deepEqual([...files].sort(), listed.sort());
  });

  for (const file of files) {
    it(`stay what they were: ${file}`, async () => {
      const sum = createHash('sha256')
        .update(await read(file))
        .digest('hex');

      assert.ok(sums.includes(`${sum}  ${file}\n`));
    });
  }
});

for (const file of files.filter((name) => name.startsWith('tracker-'))) {
  const code = await read(file);

  describe(file, () => {
    it('sends a view, a heartbeat every 30 seconds, and a leave, in the form of the wire', async () => {
      const browser = new Browser(code);
      const tab = browser.open();
      await browser.wait(62);
      tab.leave();
      const sent = browser.take();

      assert.deepEqual(
        sent.map(({ message }) => message.t),
        ['view', 'beat', 'beat', 'leave'],
      );
      for (const { message, url, init } of sent) {
        assert.equal(url, 'https://stats.example/api/collect');
        assert.equal(typeof init.body, 'string');
        assert.match(message.s, UUID);
        assert.match(message.l.replaceAll('-', ''), /^[\da-f]{16,32}$/);
        assert.equal(message.p, '/a/');
      }
      assert.equal(new Set(sent.map(({ message }) => message.l)).size, 1);
    });

    it('counts the next page, and is silent while hidden', async () => {
      const browser = new Browser(code);
      const tab = browser.open();
      await browser.wait(6);
      await tab.navigate('/b/');
      tab.hide();
      await browser.wait(300);

      assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/']);
    });

    it('repeats nothing within 5 seconds, and has one tab of two that speaks', async () => {
      const browser = new Browser(code);
      const first = browser.open();
      first.hide();
      first.show();
      await browser.wait(1.2);
      browser.open({ meta: '/b/' });
      await browser.wait(40);

      assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'beat /b/']);
    });

    it('understands the answers of today', async () => {
      const browser = new Browser(code);
      browser.answer = async ({ t }) => ({
        ok: true,
        status: 202,
        text: async () => (t === 'beat' ? '..' : ''),
      });
      const tab = browser.open();
      await browser.wait(70);

      assert.ok(browser.takeLines().length >= 2);
      assert.deepEqual(tab.logged, []);
    });
  });
}
