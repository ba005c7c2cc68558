import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bundle } from '../build.mjs';
import { Browser, reply, SITE } from './browser.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const { pages } = await readContract('pages');
const { accepted } = await readContract('messages');
const shipped = await readText('../../mkdocs_stats_plugin/assets/tracker.js');
const readable = await bundle('src/tracker.js', true);

/** @param {string} name */
async function readContract(name) {
  return JSON.parse(await readText(`../../tests/contract/${name}.json`));
}

/** @param {string} path */
function readText(path) {
  return readFile(new URL(path, import.meta.url), 'utf8');
}

/** Within a second of the truth. @param {number} actual @param {number} truth */
function near(actual, truth, tolerance = 1_000) {
  assert.ok(Math.abs(actual - truth) <= tolerance, `${actual} instead of ${truth}`);
}

/** The last message sent. @param {Browser} browser */
function lastOf(browser) {
  const sent = browser.take();
  return sent[sent.length - 1].message;
}

/** Milliseconds between messages. @param {Browser} browser @param {number} seconds */
async function gapsOf(browser, seconds) {
  const times = [browser.clock.now - browser.start];
  browser.sent = [];
  await browser.wait(seconds);
  for (const { at } of browser.sent) times.push(at);
  return times.slice(1).map((time, index) => time - times[index]);
}

// What is committed runs through the same tests as the source.
for (const [name, code] of Object.entries({ source: readable, shipped })) {
  describe(`tracker, ${name}`, () => {
    describe('page', () => {
      for (const page of pages) {
        it(`is identified as in the contract: ${page.name}`, () => {
          const browser = new Browser(code);
          browser.open(page);
          const sent = browser.take().map(({ message: { t, p, n } }) => ({ t, p, n }));

          // The missing page is the extras' to tell.
          const expected = page.t === 'view' ? [{ t: page.t, p: page.p, n: page.n }] : [];
          assert.deepEqual(sent, expected);
        });
      }

      it('outside the site root still gets a path that starts with a slash', () => {
        const browser = new Browser(code);
        browser.open({ meta: null, location: 'https://site.example/other/' });

        assert.deepEqual(browser.takeLines(), ['view /other/']);
      });
    });

    describe('message', () => {
      it('has no key and no form that the contract has no example of', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ referrer: 'https://search.example/' });
        await browser.wait(31);
        tab.leave();
        const sent = browser.take().map(({ message }) => message);

        assert.deepEqual(
          sent.map(({ t }) => t),
          ['view', 'beat', 'leave'],
        );
        for (const message of sent) {
          const examples = accepted
            .map((/** @type {any} */ item) => item.message)
            .filter((/** @type {any} */ example) => example.t === message.t && !('zz' in example));
          const keys = new Set([...examples.flatMap(Object.keys), 'v', 'a']);
          assert.deepEqual(
            Object.keys(message).filter((key) => !keys.has(key)),
            [],
          );
          assert.match(message.s, UUID);
          assert.match(message.l, /^\d{18}$/);
          assert.match(message.p, /^\//);
        }
      });

      it('of a view says referrer, time zone, language and width', () => {
        const browser = new Browser(code);
        browser.open({ referrer: 'https://search.example/?q=kettle' });
        const { r, z, g, w } = browser.take()[0].message;

        assert.deepEqual(
          { r, z, g, w },
          { r: 'https://search.example/?q=kettle', z: 'Europe/Vienna', g: 'de-AT', w: 1_280 },
        );
      });

      it('has no referrer when there is none', () => {
        const browser = new Browser(code);
        browser.open();

        assert.equal(browser.take()[0].message.r, '');
      });

      for (const [search, expected] of [
        ['?utm_source=letter&utm_medium=mail', '?utm_source=letter&utm_medium=mail'],
        ['?id=7&utm_campaign=spring', '?id=7&utm_campaign=spring'],
        ['?q=where+i+am', undefined],
        ['', undefined],
      ]) {
        it(`has the query of the address where a campaign is in it: ${search || 'none'}`, () => {
          const browser = new Browser(code);
          browser.open({ location: `${SITE}/a/${search}` });

          assert.equal(browser.take()[0].message.q, expected);
        });
      }

      it('has a campaign under instant navigation with the page that has it', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ location: `${SITE}/a/?utm_source=letter` });
        await tab.navigate('/b/');

        assert.deepEqual(
          browser.take().map(({ message: { p, q } }) => [p, q]),
          [
            ['/a/', '?utm_source=letter'],
            ['/b/', undefined],
          ],
        );
      });

      it('has no more than 512 characters of a query', () => {
        const browser = new Browser(code);
        browser.open({ location: `${SITE}/a/?utm_source=letter&x=${'%C3%BC'.repeat(1_000)}` });
        const { init, message } = browser.take()[0];

        assert.equal(message.q.length, 512);
        assert.ok(init.body.length < 4_096);
      });

      it('stays below 4,096 bytes with the longest referrer a browser gives', () => {
        const browser = new Browser(code);
        browser.open({ referrer: `https://site.example/?${'a'.repeat(4_070)}` });
        const { init, message } = browser.take()[0];

        assert.ok(init.body.length < 4_096);
        assert.equal(new URL(message.r).host, 'site.example');
      });

      it('goes to the tracker as text without preflight', () => {
        const browser = new Browser(code);
        browser.open();
        const { url, init } = browser.take()[0];
        const { body, ...rest } = init;

        assert.equal(url, 'https://stats.example/api/collect');
        assert.equal(typeof body, 'string');
        assert.deepEqual({ ...rest }, { method: 'POST', keepalive: 1 });
      });

      it('goes to a tracker whose address has a path', () => {
        const browser = new Browser(code);
        browser.open({ dataset: { tracker: 'https://x.example/stats' } });

        assert.equal(browser.take()[0].url, 'https://x.example/stats/api/collect');
      });
    });

    describe('session', () => {
      it('is one random id for all pages of a browser, kept under one key', () => {
        const browser = new Browser(code);
        browser.open();
        browser.open({ meta: '/b/' });
        const [first, second] = browser.take();

        assert.equal(first.message.s, second.message.s);
        assert.equal(browser.stored.get('mkdocs-stats'), first.message.s);
        assert.deepEqual([...browser.stored.keys()], ['mkdocs-stats']);
      });

      for (const storage of /** @type {const} */ (['blocked', 'null', 'full'])) {
        it(`is left to the tracker where storage is ${storage}, and all else works`, async () => {
          const browser = new Browser(code);
          const tab = browser.open({ storage });
          await browser.wait(31);
          await tab.navigate('/b/');
          tab.hide();
          tab.leave();
          const sent = browser.take();

          assert.deepEqual(
            sent.map(({ message }) => `${message.t} ${message.p}`),
            ['view /a/', 'beat /a/', 'view /b/', 'leave /b/'],
          );
          assert.deepEqual(
            sent.map(({ message }) => 's' in message),
            [false, false, false, false],
          );
          assert.deepEqual(tab.logged, []);
        });
      }

      it('leaves one blob behind in a browser that is new, and none ever after', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await tab.navigate('/b/');
        browser.open();

        assert.equal(browser.blobs.size, 1);
      });
    });

    describe('view', () => {
      it('is the one request of a page load, and the first heartbeat', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.fire('window', 'pageshow', { persisted: false });
        tab.use();
        await browser.wait(26);

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('is sent when the page has been loaded, not while the script is evaluated', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ loading: true });
        const early = [browser.takeLines(), browser.stored.size];
        tab.fire('window', 'pageshow', { persisted: false });
        await browser.wait(2);

        assert.deepEqual(early, [[], 0]);
        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('is sent within a second of a page whose images are late', async () => {
        const browser = new Browser(code);
        browser.open({ loading: true });
        await browser.wait(0.6);

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('is sent of a page that is left before', async () => {
        const browser = new Browser(code);
        browser.open({ loading: true }).leave();

        assert.deepEqual(browser.takeLines(), ['view /a/', 'leave /a/']);
      });

      it('is not sent again when the script runs again', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.run(code);
        await browser.wait(40);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/']);
      });

      it('is sent when instant navigation has brought the page, not when the address changes', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        browser.take();
        tab.goTo(`${SITE}/b/`);
        tab.fire('window', 'popstate');
        await browser.wait(4);
        const early = browser.takeLines();
        await tab.navigate('/b/', 0);

        assert.deepEqual(early, []);
        assert.deepEqual(browser.takeLines(), ['view /b/']);
      });

      it('of a heartbeat that falls between address and page is still the old page', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(30.2);
        await tab.navigate('/b/', 0.5);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/', 'view /b/']);
      });

      it('is not sent for anchors, scrolling and other changes of the head', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        for (let anchor = 0; anchor < 10; anchor += 1) {
          tab.goTo(`${SITE}/a/#h${anchor}`);
          tab.fire('window', 'popstate');
          await browser.wait(2);
        }

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('follows pages without a meta by their address', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ meta: null });
        tab.goTo(`${SITE}/b/`);
        await browser.wait(0.6);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/']);
      });

      for (const type of ['popstate', 'keydown', 'pointerdown', 'pointermove']) {
        it(`is sent of a page that was shown for a moment only, until ${type}`, async () => {
          const browser = new Browser(code);
          const tab = browser.open();
          await browser.wait(0.1);
          for (const content of ['/b/', '/c/']) {
            tab.document.head.children['mkdocs-stats'] = { content };
            await browser.wait(0.05);
            tab.fire('window', type);
          }

          assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'view /c/']);
        });
      }

      it('is sent for going back to a page too', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await tab.navigate('/b/');
        await tab.navigate('/a/');

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'view /a/']);
      });

      it('has a load id of its own each time, and the referrer the first time only', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ referrer: 'https://search.example/' });
        await tab.navigate('/b/');
        tab.leave();
        tab.comeBack();
        const views = browser.take().filter(({ message }) => message.t === 'view');

        assert.equal(new Set(views.map(({ message }) => message.l)).size, 3);
        assert.deepEqual(
          views.map(({ message }) => message.r),
          ['https://search.example/', false, false],
        );
      });

      it('is sent once when the page comes back from the back/forward cache', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(10);
        tab.leave();
        await browser.wait(600);
        browser.take();
        tab.comeBack();
        await browser.wait(20);

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('is sent when the browser says nothing of coming back', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.fire('window', 'pagehide');
        browser.take();
        await browser.wait(0.6);

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('of a prerendered page waits until it is shown, and is sent once', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ prerendering: true });
        await browser.wait(60);
        const early = browser.takeLines();
        tab.show(); // Chromium: visible a moment before it is prerendered no more.
        tab.document.prerendering = false;
        tab.fire('document', 'prerenderingchange');
        await browser.wait(20);

        assert.deepEqual(early, []);
        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('of a tab in the background waits until it is shown', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ hidden: true });
        await browser.wait(600);
        const early = browser.takeLines();
        tab.show();

        assert.deepEqual(early, []);
        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('of a tab that is never shown is never sent, nor is its leave', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ hidden: true });
        await browser.wait(60);
        tab.leave();

        assert.deepEqual(browser.takeLines(), []);
      });

      it('is sent at once even while another message is pending', async () => {
        const browser = new Browser(code);
        browser.answer = () => new Promise(() => {});
        const tab = browser.open();
        await tab.navigate('/b/', 0.1);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/']);
      });
    });

    describe('heartbeat', () => {
      for (const [chance, seconds] of [
        [0, 30],
        [0.5, 33],
        [1, 36],
      ]) {
        it(`comes every ${seconds} seconds when chance gives ${chance}`, async () => {
          const browser = new Browser(code);
          browser.random = () => chance;
          browser.open();
          await browser.wait(110);
          const beats = browser.take().filter(({ message }) => message.t === 'beat');

          assert.deepEqual(
            beats.map(({ at }) => Math.round(at / 1_000)),
            [seconds, 2 * seconds, 3 * seconds],
          );
        });
      }

      it('comes at most twice in any 60 seconds, whatever chance gives', async () => {
        const browser = new Browser(code);
        let seed = 1;
        browser.random = () => {
          seed = (seed * 48_271) % 2_147_483_647; // Lehmer's.
          return seed / 2_147_483_647;
        };
        browser.open();
        await browser.wait(4 * 3_600);
        const times = browser.take().map(({ at }) => at);
        const third = times.slice(2).map((time, index) => time - times[index]);

        assert.ok(times.length > (4 * 3_600) / 36.5);
        assert.ok(Math.min(...third) >= 60_000, `${Math.min(...third)}`);
      });

      it('comes as often as data-heartbeat says', async () => {
        const browser = new Browser(code);
        browser.open({ dataset: { heartbeat: '12.5' } });
        await browser.wait(26);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/', 'beat /a/']);
      });

      for (const heartbeat of ['', 'often', '0']) {
        it(`comes every 30 seconds when data-heartbeat is "${heartbeat}"`, async () => {
          const browser = new Browser(code);
          browser.open({ dataset: { heartbeat } });
          await browser.wait(31);

          assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/']);
        });
      }

      it('has the load id of its view and its two clocks, and nothing else', async () => {
        const browser = new Browser(code);
        browser.open({ referrer: 'https://search.example/' });
        await browser.wait(31);
        const [view, beat] = browser.take();

        assert.equal(beat.message.l, view.message.l);
        assert.deepEqual(Object.keys(beat.message).sort(), ['a', 'l', 'p', 's', 't', 'v']);
      });

      it('does not come while the page is hidden', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(1);
        tab.hide();
        await browser.wait(600);

        assert.deepEqual(browser.takeLines(), ['view /a/']);
        assert.deepEqual(browser.channels, []);
      });

      it('comes at once when the page is visible again, and then as always', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.hide();
        await browser.wait(100);
        browser.take();
        tab.show();
        const atOnce = browser.takeLines();
        await browser.wait(31);

        assert.deepEqual(atOnce, ['beat /a/']);
        assert.deepEqual(browser.takeLines(), ['beat /a/']);
      });

      it('is not sent within 5 seconds of the last message, and still comes after that', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(4.9);
        tab.hide();
        tab.show();
        const early = browser.takeLines();
        await browser.wait(0.2);
        tab.hide();
        tab.show();

        assert.deepEqual(early, ['view /a/']);
        assert.deepEqual(browser.takeLines(), ['beat /a/']);
      });

      it('is not sent while a message is pending', async () => {
        const browser = new Browser(code);
        browser.answer = () => new Promise(() => {});
        const tab = browser.open();
        await browser.wait(20);
        tab.hide();
        tab.show();

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('is not sent while the heartbeat before is pending', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(20);
        browser.answer = () => new Promise(() => {});
        await browser.wait(11);
        browser.take();
        await browser.wait(10);
        tab.hide();
        tab.show();

        assert.deepEqual(browser.takeLines(), []);
      });

      it('is an interval away after instant navigation', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(20);
        await tab.navigate('/b/', 0);
        browser.take();
        await browser.wait(29);
        const early = browser.takeLines();
        await browser.wait(2);

        assert.deepEqual(early, []);
        assert.deepEqual(browser.takeLines(), ['beat /b/']);
      });

      it('goes on after a message that hangs for ever', async () => {
        const browser = new Browser(code);
        browser.answer = () => new Promise(() => {});
        browser.open();
        await browser.wait(31);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/']);
      });

      for (const [what, answer] of Object.entries({
        unreachable: () => Promise.reject(new TypeError('Failed to fetch')),
        'answering 503': async () => ({ ok: false, status: 503 }),
      })) {
        it(`is tried once an interval while the tracker is ${what}, and nothing is queued`, async () => {
          const browser = new Browser(code);
          browser.answer = answer;
          const tab = browser.open();
          for (let toggle = 0; toggle < 25; toggle += 1) {
            await browser.wait(1);
            tab.hide();
            tab.show();
            tab.use();
          }
          const first = browser.takeLines();
          await browser.wait(90);
          const attempts = browser.takeLines().length;
          browser.answer = async () => ({ ok: true, status: 202 });
          await browser.wait(30);

          assert.deepEqual(first, ['view /a/']);
          assert.ok(attempts === 2 || attempts === 3, `${attempts} attempts in 90 s`);
          assert.deepEqual(browser.takeLines(), ['beat /a/']);
          assert.deepEqual(tab.logged, []);
        });
      }
    });

    describe('leave', () => {
      it('is a beacon with the load id of the page that goes', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(1);
        tab.leave();
        const [view, leave] = browser.take();

        assert.equal(leave.via, 'beacon');
        assert.equal(leave.url, 'https://stats.example/api/collect');
        assert.equal(typeof leave.init.body, 'string');
        assert.deepEqual(leave.message, {
          t: 'leave',
          s: view.message.s,
          l: view.message.l,
          p: '/a/',
          v: 1_000,
          a: 0,
        });
      });

      it('is fetched with keepalive where a beacon is refused or missing', async () => {
        for (const globals of [{}, { navigator: { language: 'en' } }]) {
          const browser = new Browser(code);
          browser.beacons = false;
          const tab = browser.open({ globals });
          tab.leave();
          const leave = browser.take()[1];

          assert.deepEqual(
            [leave.message.t, leave.via, leave.init.keepalive],
            ['leave', 'fetch', 1],
          );
        }
      });

      it('is sent by a tab that was hidden before', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.hide();
        await browser.wait(10);
        tab.leave();

        assert.deepEqual(browser.takeLines(), ['view /a/', 'leave /a/']);
      });

      it('is not sent for the page before under instant navigation', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await tab.navigate('/b/');
        tab.leave();

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'leave /b/']);
      });

      it('is sent once', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        tab.leave();
        tab.fire('window', 'pagehide');

        assert.deepEqual(browser.takeLines(), ['view /a/', 'leave /a/']);
      });
    });

    describe('404 page', () => {
      it('has no view, no heartbeat and no leave: the extras tell of it', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ meta: '404', location: `${SITE}/no/such/?x#y` });
        await browser.wait(100);
        tab.hide();
        tab.show();
        tab.use();
        tab.leave();

        assert.deepEqual(browser.takeLines(), []);
      });

      it('does not silence the tab that speaks', async () => {
        const browser = new Browser(code);
        browser.open();
        browser.open({ meta: '404', location: `${SITE}/no/` });
        await browser.wait(31);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/']);
      });
    });

    describe('page that is not to be counted', () => {
      it('has no view, no heartbeat and no leave, and the next page has', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await tab.navigate('/secret/');
        browser.take();
        tab.document.head.children['mkdocs-stats'] = { content: '' };
        await browser.wait(100);
        tab.hide();
        tab.show();
        tab.use();
        const meanwhile = browser.takeLines();
        await tab.navigate('/b/');
        tab.leave();

        assert.deepEqual(meanwhile, []);
        assert.deepEqual(browser.takeLines(), ['view /b/', 'leave /b/']);
      });

      it('is silent from the first load to the last', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ meta: '' });
        await browser.wait(100);
        tab.leave();
        tab.comeBack();
        tab.leave();

        assert.deepEqual(browser.takeLines(), []);
      });
    });

    describe('tabs', () => {
      it('have one that speaks, the last one opened', async () => {
        const browser = new Browser(code);
        browser.open();
        await browser.wait(1);
        browser.open({ meta: '/b/' });
        browser.take();
        await browser.wait(300);
        const lines = new Set(browser.takeLines());

        assert.deepEqual([...lines], ['beat /b/']);
      });

      it('speak as often together as one alone', async () => {
        const browser = new Browser(code);
        for (const meta of ['/a/', '/b/', '/c/']) browser.open({ meta });
        browser.take();
        await browser.wait(306);

        assert.equal(browser.take().length, 10);
      });

      it('hand over at once to the one that is used', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        browser.open({ meta: '/b/' });
        await browser.wait(10.2);
        browser.take();
        first.use();
        const atOnce = browser.takeLines();
        await browser.wait(100);

        assert.deepEqual(atOnce, ['beat /a/']);
        assert.deepEqual([...new Set(browser.takeLines())], ['beat /a/']);
      });

      it('do not repeat themselves when the one that speaks is used again', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(20);
        tab.use();

        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('report the visible page at once when a reader flips through them', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        await browser.wait(6);
        first.hide();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(6);
        second.hide();
        first.show();
        await browser.wait(6);
        first.hide();
        second.show();
        await browser.wait(0);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'beat /a/', 'beat /b/']);
      });

      it('repeat the page of one 5 seconds after its last message at the earliest', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        await browser.wait(1);
        first.hide();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(1);
        second.hide();
        first.show();
        await browser.wait(2.5);
        const early = browser.takeLines();
        await browser.wait(1);

        assert.deepEqual(early, ['view /a/', 'view /b/']);
        assert.deepEqual(browser.takeLines(), ['beat /a/']);
      });

      for (const [what, answer] of /** @type {const} */ ([
        ['hangs', () => new Promise(() => {})],
        ['is down', () => Promise.reject(new TypeError('down'))],
        ['is busy', async () => reply(503)],
      ]))
        it(`do not send more because a reader flips through them while the tracker ${what}`, async () => {
          const browser = new Browser(code);
          browser.answer = answer;
          const first = browser.open();
          await browser.wait(1);
          const second = browser.open({ meta: '/b/' });
          browser.take();
          for (let flip = 0; flip < 5; flip += 1) {
            first.use();
            await browser.wait(2);
            second.use();
            await browser.wait(2);
          }

          assert.deepEqual(browser.takeLines(), []);
        });

      it('hand over to the one in which a reader goes to another page', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        browser.open({ meta: '/b/' });
        await browser.wait(10.2);
        await first.navigate('/c/');
        browser.take();
        await browser.wait(100);

        assert.deepEqual([...new Set(browser.takeLines())], ['beat /c/']);
      });

      for (const how of /** @type {const} */ (['leave', 'hide'])) {
        it(`take over within 2 seconds when the one that speaks is gone: ${how}`, async () => {
          const browser = new Browser(code);
          browser.open();
          const second = browser.open({ meta: '/b/' });
          await browser.wait(10);
          second[how]();
          browser.take();
          await browser.wait(2);

          assert.deepEqual(browser.takeLines(), ['beat /a/']);
        });
      }

      it('are not disturbed when one that does not speak goes', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        browser.open({ meta: '/b/' });
        await browser.wait(10);
        first.leave();
        browser.take();
        await browser.wait(15);

        assert.deepEqual(browser.takeLines(), []);
      });

      it('have one successor, even of many', async () => {
        const browser = new Browser(code);
        let chance = 0;
        browser.random = () => {
          chance = (chance + 0.37) % 1;
          return chance;
        };
        const metas = ['/a/', '/b/', '/c/', '/d/'];
        const last = metas.map((meta) => browser.open({ meta })).at(-1);
        await browser.wait(10);
        last?.leave();
        browser.take();
        await browser.wait(3);

        assert.equal(browser.take().length, 1);
      });

      it('take over from one that died without a word, before the session times out', async () => {
        const browser = new Browser(code);
        browser.open();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(29);
        second.crash();
        browser.take();
        await browser.wait(50);

        assert.ok(browser.takeLines().includes('beat /a/'));
      });

      it('wait when the one that speaks is only loading its next page', async () => {
        const browser = new Browser(code);
        browser.open();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(10);
        second.leave();
        await browser.wait(0.6);
        browser.open({ meta: '/c/' });
        await browser.wait(20);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'leave /b/', 'view /c/']);
      });

      for (const count of [2, 3, 4, 5]) {
        it(`of ${count} have one successor each time one is gone, until the last`, async () => {
          const browser = new Browser(code);
          let chance = 0;
          browser.random = () => {
            chance = (chance + 0.37) % 1;
            return chance;
          };
          const tabs = [];
          for (let tab = 0; tab < count; tab += 1) {
            tabs.push(browser.open({ meta: `/${tab}/` }));
            await browser.wait(7.31);
          }
          let speaker = tabs[count - 1];
          for (let left = count - 1; left > 0; left -= 1) {
            speaker.leave();
            browser.take();
            await browser.wait(2);
            const [beat, ...rest] = browser.take();
            assert.deepEqual([beat.message.t, rest], ['beat', []]);
            speaker = beat.tab;
            await browser.wait(6);
          }
        });
      }

      it('stay the one that speaks when used in the first second', async () => {
        const browser = new Browser(code);
        browser.open();
        await browser.wait(1.05);
        const second = browser.open({ meta: '/b/' });
        await browser.wait(0.1);
        second.use('keydown');
        await browser.wait(60);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'view /b/', 'beat /b/']);
      });

      it('take over from one that hangs, not from one that is late', async () => {
        const browser = new Browser(code);
        browser.open();
        await browser.wait(1.2);
        const second = browser.open({ meta: '/b/' });
        await browser.wait(10);
        browser.take();
        for (let pause = 0; pause < 20; pause += 1) {
          second.frozen = true;
          await browser.wait(0.8);
          second.frozen = false;
          await browser.wait(0.57);
        }

        assert.deepEqual([...new Set(browser.takeLines())], ['beat /b/']);
      });

      it('take over within 2 seconds from one that is frozen', async () => {
        const browser = new Browser(code);
        browser.open();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(10);
        second.frozen = true;
        browser.take();
        await browser.wait(2);

        assert.deepEqual(browser.takeLines(), ['beat /a/']);
      });

      it('do not quarrel with one that is frozen no more', async () => {
        const browser = new Browser(code);
        browser.open();
        await browser.wait(1.3); // Else both would look at the same moment for ever.
        const second = browser.open({ meta: '/b/' });
        await browser.wait(10);
        second.frozen = true;
        await browser.wait(100.2);
        second.frozen = false;
        await browser.wait(3);
        browser.take();
        await browser.wait(300);
        const lines = browser.takeLines();

        assert.equal(new Set(lines).size, 1);
        assert.ok(lines.length <= 10, `${lines.length}`);
      });

      it('whose posts cross are both quiet for less than 2 seconds, then one speaks', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        await browser.wait(1.3);
        browser.open({ meta: '/b/' });
        // A post takes a millisecond, so the second one's, half of it later, is on its way.
        await browser.wait(3.9995);
        first.use();
        await browser.wait(0.01);
        const { posted } = browser;
        browser.take();
        await browser.wait(1.39);

        assert.equal(browser.posted, posted);
        assert.deepEqual(browser.takeLines(), []);
        await browser.wait(0.6);
        assert.equal(browser.take().length, 1);
        await browser.wait(20);
        assert.deepEqual(browser.takeLines(), []);
      });

      it('have their channel open only while they are shown', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(5);
        const shown = browser.channels.length;
        tab.hide();
        const hidden = browser.channels.length;
        tab.show();
        await browser.wait(5);
        tab.leave();

        assert.deepEqual([shown, hidden, browser.channels.length], [1, 0, 0]);
      });

      it('say nothing on the channel for each move of the mouse', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(5);
        browser.posted = 0;
        for (let move = 0; move < 1_000; move += 1) tab.use();

        assert.ok(browser.posted <= 1, `${browser.posted}`);
      });

      it('all speak where there is no channel', async () => {
        const browser = new Browser(code);
        const globals = { BroadcastChannel: undefined };
        browser.open({ globals });
        browser.open({ globals, meta: '/b/' });
        browser.take();
        await browser.wait(31);

        assert.deepEqual(browser.takeLines().sort(), ['beat /a/', 'beat /b/']);
      });

      it('do not wake one that is hidden', async () => {
        const browser = new Browser(code);
        const first = browser.open();
        first.hide();
        const second = browser.open({ meta: '/b/' });
        await browser.wait(10);
        second.leave();
        browser.take();
        await browser.wait(300);

        assert.deepEqual(browser.takeLines(), []);
      });
    });

    describe('clocks', () => {
      it('say for how long the page was visible and active, on heartbeat and leave', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(31);
        tab.use('keydown');
        await browser.wait(20);
        tab.leave();
        const [, beat, leave] = browser.take().map(({ message }) => message);

        assert.deepEqual([beat.v, beat.a], [30_400, 0]);
        near(leave.v, 51_000);
        near(leave.a, 20_000);
      });

      for (const type of ['keydown', 'pointerdown', 'pointermove', 'scroll']) {
        it(`are active for 60 seconds after ${type}`, async () => {
          const browser = new Browser(code);
          const tab = browser.open();
          await browser.wait(10.3);
          tab.use(type);
          await browser.wait(200);
          tab.leave();
          const { v, a } = lastOf(browser);

          near(v, 210_300);
          near(a, 60_000);
        });
      }

      it('are active while the reader goes on, and have gaps where he does not', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        for (let input = 0; input < 50; input += 1) {
          tab.use();
          await browser.wait(2);
        }
        await browser.wait(300);
        tab.use('keydown');
        await browser.wait(10);
        tab.leave();

        near(lastOf(browser).a, 98_000 + 60_000 + 10_000);
      });

      it('stand still while the page is hidden', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(10);
        tab.use();
        tab.hide();
        await browser.wait(600);
        tab.show();
        await browser.wait(10);
        tab.leave();
        const { v, a } = lastOf(browser);

        near(v, 20_000);
        near(a, 0);
      });

      it('count a page that nobody touches for 20 minutes, and the reader stays active', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        const gaps = await gapsOf(browser, 1_200);
        tab.leave();
        const { v, a } = lastOf(browser);

        assert.ok(Math.max(...gaps) < 120_000);
        near(v, 1_200_000);
        assert.equal(a, 0);
      });

      it('gain no more than one interval from a laptop that slept', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(10);
        tab.use();
        browser.clock.sleep(8 * 3_600_000);
        await browser.wait(10);
        tab.leave();
        const { v, a } = lastOf(browser);

        assert.ok(v >= 20_000 && v <= 25_500, `${v}`);
        assert.ok(a <= 15_500, `${a}`);
      });

      it('go on as before when the time of day is set', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        for (const hours of [-5, 24, -1_000]) {
          browser.skew += hours * 3_600_000;
          await browser.wait(40);
        }
        const lines = browser.takeLines();
        tab.leave();

        assert.deepEqual(lines, ['view /a/', 'beat /a/', 'beat /a/', 'beat /a/']);
        near(lastOf(browser).v, 120_000);
      });

      it('begin anew on the next page, whose view says those of the page before', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(10);
        await tab.navigate('/b/');
        await browser.wait(5);
        tab.leave();
        const [first, second, leave] = browser.take().map(({ message }) => message);

        assert.equal('o' in first, false);
        assert.deepEqual([second.o.l, second.o.p, second.p], [first.l, '/a/', '/b/']);
        near(second.o.v, 10_500);
        near(leave.v, 5_500);
      });

      it('say nothing of a page that was not counted', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ meta: '' });
        await browser.wait(10);
        await tab.navigate('/b/');
        const [view] = browser.take();

        assert.equal(view.message.o, false);
      });

      it('begin anew after the back/forward cache', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(30);
        tab.leave();
        await browser.wait(600);
        browser.take();
        tab.comeBack();
        await browser.wait(4);
        tab.leave();
        const [view, leave] = browser.take().map(({ message }) => message);

        assert.deepEqual([view.t, view.o, leave.l], ['view', undefined, view.l]);
        near(leave.v, 4_000);
      });
    });

    describe('interval', () => {
      for (const [body, seconds] of /** @type {const} */ ([
        ['', 30],
        ['.', 60],
        ['..', 120],
        ['<!doctype html><title>Bad gateway</title>', 120],
      ])) {
        it(`is ${seconds} seconds after the answer "${body.slice(0, 9)}"`, async () => {
          const browser = new Browser(code);
          browser.answer = async ({ t }) => reply(202, t === 'beat' ? body : '');
          browser.open();
          await browser.wait(31);
          browser.take();
          const [gap] = await gapsOf(browser, 130);

          near(gap, seconds * 1_000);
        });
      }

      it('is shortened again by the next answer', async () => {
        const browser = new Browser(code);
        const bodies = ['..', ''];
        browser.answer = async ({ t }) => reply(202, t === 'beat' ? bodies.shift() : '');
        browser.open();
        const gaps = await gapsOf(browser, 220);

        assert.deepEqual(
          gaps.map((gap) => Math.round(gap / 10_000)),
          [3, 12, 3, 3],
        );
      });

      it('is kept while the tracker is down: one attempt each, and nothing is queued', async () => {
        const browser = new Browser(code);
        browser.answer = () => Promise.reject(new TypeError('down'));
        browser.open();
        const gaps = await gapsOf(browser, 600);
        browser.answer = async () => reply(202);
        browser.take();
        await browser.wait(31);

        assert.ok(Math.min(...gaps) >= 27_000, `${gaps}`);
        assert.equal(browser.take().length, 1);
      });

      it('is kept by five tabs together, whichever is used', async () => {
        const browser = new Browser(code);
        const tabs = ['/a/', '/b/', '/c/', '/d/', '/e/'].map((meta) => browser.open({ meta }));
        await browser.wait(1);
        browser.take();
        for (let minute = 0; minute < 10; minute += 1) await browser.wait(60);
        const { length } = browser.take();
        for (const tab of tabs) tab.leave();

        assert.ok(length >= 18 && length <= 20, `${length} in 10 minutes`);
      });
    });

    it('says where it is where the site is one of several versions', async () => {
      for (const v of ['1', undefined]) {
        const browser = new Browser(code);
        const script = `https://kettle.example/latest/assets/mkdocs-stats/tracker.1a2b3c4d.js`;
        browser.open({ script, dataset: v ? { v } : {} });
        await browser.wait(40);
        const [view, beat] = browser.take().map(({ message }) => message);

        assert.equal(view.k, v && script);
        assert.equal('k' in beat, false);
      }
    });

    describe('privacy', () => {
      for (const [what, options] of Object.entries({
        'Global Privacy Control': { navigator: { globalPrivacyControl: true } },
        'Global Privacy Control, whatever the site says of Do Not Track': {
          navigator: { globalPrivacyControl: true },
          dataset: { dnt: '' },
        },
        'Do Not Track': { navigator: { doNotTrack: '1' } },
      })) {
        it(`sends and stores nothing under ${what}`, async () => {
          const browser = new Browser(code);
          const tab = browser.open(options);
          await browser.wait(100);
          await tab.navigate('/b/');
          tab.hide();
          tab.show();
          tab.leave();

          assert.deepEqual(browser.takeLines(), []);
          assert.equal(browser.stored.size, 0);
        });
      }

      for (const [what, options] of Object.entries({
        'Do Not Track is off': { navigator: { doNotTrack: '0' } },
        'Do Not Track is unset': { navigator: { doNotTrack: null } },
        'Do Not Track is unspecified': { navigator: { doNotTrack: 'unspecified' } },
        'the site ignores Do Not Track': {
          navigator: { doNotTrack: '1' },
          dataset: { dnt: '' },
        },
        'Global Privacy Control is off': { navigator: { globalPrivacyControl: false } },
      })) {
        it(`counts where ${what}`, () => {
          const browser = new Browser(code);
          browser.open(options);

          assert.equal(browser.take().length, 1);
        });
      }

      it('sends nothing of a reader who opted out, and makes no id', async () => {
        const browser = new Browser(code);
        browser.stored.set('mkdocs-stats-off', '1');
        const tab = browser.open();
        await browser.wait(100);
        await tab.navigate('/b/');
        tab.leave();

        assert.deepEqual(browser.takeLines(), []);
        assert.deepEqual([...browser.stored.keys()], ['mkdocs-stats-off']);
      });

      it('is silent in all tabs as soon as the reader opts out', async () => {
        const browser = new Browser(code);
        const tabs = ['/a/', '/b/'].map((meta) => browser.open({ meta }));
        await browser.wait(1);
        browser.take();
        browser.stored.set('mkdocs-stats-off', '1');
        await browser.wait(100);
        for (const tab of tabs) tab.leave();

        assert.deepEqual(browser.takeLines(), []);
      });

      it('counts again when the reader has opted in', async () => {
        const browser = new Browser(code);
        browser.stored.set('mkdocs-stats-off', '');
        browser.open();

        assert.equal(browser.take().length, 1);
      });

      it('loads the extras under an opt-out, for its control is in there', () => {
        const browser = new Browser(code);
        browser.stored.set('mkdocs-stats-off', '1');
        const tab = browser.open({ dataset: { extras: './extras.js' } });

        assert.equal(tab.imported.length, 1);
      });
    });

    describe('visitor of the day', () => {
      it('has no id, nothing is stored, and one tab speaks all the same', async () => {
        const browser = new Browser(code);
        const dataset = { visitor: 'daily' };
        browser.open({ dataset });
        const second = browser.open({ dataset, meta: '/b/' });
        await browser.wait(61);
        second.leave();
        await browser.wait(2);
        const sent = browser.take();

        assert.deepEqual(
          sent.map(({ message }) => `${message.t} ${message.p}`),
          ['view /a/', 'view /b/', 'beat /b/', 'beat /b/', 'leave /b/', 'beat /a/'],
        );
        assert.deepEqual(
          sent.filter(({ message }) => 's' in message),
          [],
        );
        assert.deepEqual([browser.stored.size, browser.blobs.size], [0, 0]);
      });
    });

    describe('extras', () => {
      it('are loaded from beside the script, after the page', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ dataset: { extras: './extras.5e6f7a8b.js' }, loading: true });
        await browser.wait(2);
        const early = [...tab.imported];
        tab.fire('window', 'pageshow');

        assert.deepEqual(early, []);
        assert.deepEqual(tab.imported, [`${SITE}/assets/mkdocs-stats/extras.5e6f7a8b.js`]);
      });

      it('are not loaded where there are none', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        await browser.wait(2);

        assert.deepEqual(tab.imported, []);
        assert.deepEqual(browser.takeLines(), ['view /a/']);
      });

      it('may be missing', async () => {
        const browser = new Browser(code);
        const tab = browser.open({ dataset: { extras: './extras.js' }, loading: true });
        tab.load = () => Promise.reject(new TypeError('no such module'));
        tab.fire('window', 'pageshow');
        await browser.wait(31);

        assert.deepEqual(browser.takeLines(), ['view /a/', 'beat /a/']);
      });

      it('are shown the page that is visible, and what they add is sent', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        /** @type {Record<string, number>} */
        const seen = {};
        const core = /** @type {any} */ (tab.document)['mkdocs-stats'];
        core.x = (/** @type {any} */ page, /** @type {number} */ passed) => {
          seen[page.p] = (seen[page.p] ?? 0) + passed;
          page.d = 50;
          page.h = { top: seen[page.p] };
        };
        await browser.wait(10);
        tab.hide();
        await browser.wait(100);
        tab.show();
        await tab.navigate('/b/');
        tab.leave();
        const [, , view, leave] = browser.take().map(({ message }) => message);

        near(seen['/a/'], 10_500);
        near(seen['/b/'], 600);
        assert.deepEqual([view.o.d, view.o.h.top], [50, seen['/a/']]);
        assert.deepEqual([view.d, view.h], [undefined, undefined]);
        assert.deepEqual([leave.d, leave.h.top], [50, seen['/b/']]);
      });

      it('send events as beacons, which delay no heartbeat', async () => {
        const browser = new Browser(code);
        const tab = browser.open();
        const core = /** @type {any} */ (tab.document)['mkdocs-stats'];
        for (let event = 0; event < 10; event += 1) {
          await browser.wait(3.05);
          core('event', { n: 'copy', k: 'python', c: 0 });
        }
        const sent = browser.take();
        const { message, via } = sent[1];

        assert.equal(sent.filter(({ message: { t } }) => t === 'beat').length, 1);
        assert.deepEqual(
          [via, message.t, message.n, message.l, message.p],
          ['beacon', 'event', 'copy', sent[0].message.l, '/a/'],
        );
      });
    });

    describe('silence', () => {
      for (const location of [
        'file:///home/me/site/index.html',
        'file://server/share/index.html',
        'http://localhost:8000/docs/a/',
        'http://docs.localhost/docs/a/',
        'http://127.0.0.1:8000/docs/a/',
        'http://127.8.9.1/docs/a/',
        'http://[::1]:8000/docs/a/',
      ]) {
        it(`is kept on ${location}`, async () => {
          const browser = new Browser(code);
          browser.open({ location });
          await browser.wait(100);

          assert.deepEqual(browser.takeLines(), []);
          assert.equal(browser.stored.size, 0);
        });
      }

      for (const location of [
        'https://localhost.example/docs/a/',
        'https://site.example/docs/localhost',
        'https://127.example/docs/a/',
        'http://10.127.0.1/docs/a/',
        'http://192.168.0.10:8000/docs/a/',
        'http://[fe80::1]/docs/a/',
      ]) {
        it(`is not kept on ${location}`, () => {
          const browser = new Browser(code);
          browser.open({ location });

          assert.equal(browser.take().length, 1);
        });
      }

      it('is broken on localhost by data-local', () => {
        const browser = new Browser(code);
        browser.open({ location: 'http://localhost:8000/', dataset: { local: '1' } });

        assert.equal(browser.take().length, 1);
      });

      for (const [what, options] of Object.entries({
        'fetch is missing': { fetch: undefined },
        'fetch throws': {
          fetch: () => {
            throw new TypeError('blocked');
          },
        },
        'fetch rejects': { fetch: () => Promise.reject(new TypeError('blocked')) },
        'fetch gives nothing': { fetch: () => undefined },
        'the time zone is unknown': {
          Intl: { DateTimeFormat: () => ({ resolvedOptions: () => ({}) }) },
        },
        'no ids can be made': { URL },
        'there are no channels': { BroadcastChannel: undefined },
      })) {
        it(`is kept towards the reader where ${what}`, async () => {
          const browser = new Browser(code);
          const tab = browser.open({ globals: options });
          await browser.wait(40);
          await tab.navigate('/b/');
          tab.leave();
          tab.comeBack();
          await browser.wait(40);

          assert.deepEqual(tab.logged, []);
        });
      }

      it('is kept where the script does not know its own element', async () => {
        const browser = new Browser('');
        const bundled = browser.open();
        bundled.document.currentScript = null;
        bundled.run(code);
        await browser.wait(40);
        bundled.leave();

        assert.deepEqual(browser.takeLines(), []);
      });

      it('extends to the names of the page', () => {
        const browser = new Browser(code);
        const tab = browser.open();

        assert.deepEqual(Object.keys(tab.window), tab.globals);
      });
    });
  });
}

describe('tracker as shipped', () => {
  it('has no address of a script, stylesheet or data file in it', () => {
    assert.doesNotMatch(shipped, /https?:\/\/[^"'`\s]*\.(js|css|json)/);
  });

  it('begins with what it is', () => {
    assert.match(shipped, /^\/\*!mkdocs-stats, MIT\*\/\n/);
  });
});
