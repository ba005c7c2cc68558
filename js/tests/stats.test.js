import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bundle } from '../build.mjs';
import { BODY, Site } from './site.js';

const contract = JSON.parse(await readText('../../tests/contract/stats.json'));
const readable = await bundle('src/stats.js', true);
const shipped = await readText('../../mkdocs_stats_plugin/assets/stats.js');
const hung = () => new Promise(() => {});

/** @param {string} path */
function readText(path) {
  return readFile(new URL(path, import.meta.url), 'utf8');
}

/** The contract's answer with changes. @param {Record<string, unknown>} [changes] */
function answer(changes) {
  return { ...structuredClone(contract), ...changes };
}

/** @param {[path: string, views: number][]} rows */
function pageStats(rows) {
  return rows.map(([path, views]) => ({ path, title: `T ${path}`, type: 'page', views }));
}

/** @param {unknown} value @param {ConstructorParameters<typeof Site>[1]} [options] */
async function open(value, options, code = readable) {
  const site = new Site('', options);
  site.serve(value);
  site.code = code;
  site.run();
  await site.wait(0);
  return site;
}

describe('figures', () => {
  it('are those of the contract, as the reader writes numbers and dates', async () => {
    const site = await open(contract);

    assert.deepEqual(
      site.findAll('[data-stat]').map((element) => element.textContent),
      ['3', '1,234', '567', '1', '4', 'March 1, 2026'],
    );
    assert.equal(
      Date.parse(site.find('time').getAttribute('datetime')),
      Date.UTC(2026, 2, 1, 9, 30),
    );
  });

  it('follow the language of the page', async () => {
    const site = await open(contract, { language: 'de' });

    assert.equal(site.find('[data-stat="totalPageViews"]').textContent, '1.234');
    assert.equal(site.find('time').textContent, '1. März 2026');
  });

  it('are shown where the page says what is no language', async () => {
    const site = await open(contract, { language: 'x_y z' });

    assert.match(site.find('[data-stat="totalPageViews"]').textContent, /^1.?234$/);
  });

  it('say so when nothing has been counted yet', async () => {
    const site = await open(answer({ trackingSince: null }));

    assert.equal(site.find('time').textContent, 'nothing yet');
    assert.equal(site.find('time').hasAttribute('datetime'), false);
  });

  it('leave the date as the server wrote it', async () => {
    const time =
      '<time data-stat="trackingSince" datetime="2026-03-01T09:30:00Z">1 March 2026</time>';
    const site = await open(contract, { body: `<main data-stats="">${time}</main>` });

    assert.equal(site.find('time').textContent, '1 March 2026');
  });

  it('are the same in the shipped script', async () => {
    const source = await open(contract);
    const built = await open(contract, {}, shipped);

    assert.equal(built.document.body.innerHTML, source.document.body.innerHTML);
  });
});

describe('countries', () => {
  const cells = ['AT', 'XX', 'nowhere', '']
    .map((code) => `<td data-country="${code}">${code}</td>`)
    .join('');
  const table = `<table><tr>${cells}</tr></table></div>`;

  /** @param {string} language @param {string} [own] */
  async function namesIn(language, own = '') {
    const body = BODY.replace('</div>', table).replace('data-stats=', `${own} data-stats=`);
    const site = await open(contract, { language, body });
    return site.findAll('[data-country]').map((cell) => cell.textContent);
  }

  it('have their names in the language of the site, where the browser knows them', async () => {
    assert.deepEqual(await namesIn('de-AT'), ['Österreich', 'XX', 'nowhere', '']);
    assert.deepEqual(await namesIn('fr'), ['Autriche', 'XX', 'nowhere', '']);
  });

  it('have them in that of the texts where these are in another', async () => {
    assert.equal((await namesIn('fr', 'lang="de"'))[0], 'Österreich');
  });

  it('are named before the tracker has answered', async () => {
    const body = BODY.replace('</div>', table);
    const site = await open(contract, { body });
    site.answer = hung;

    assert.equal(site.find('[data-country]').textContent, 'Austria');
  });
});

describe('rows', () => {
  it('are those of the contract, in the structure of the template', async () => {
    const site = await open(contract);
    const rows = site.findAll('[data-stat-rows] tr').map((row) => row.outerHTML);
    const post =
      '<a href="https://kettle.example/docs/blog/2026/first-boil/">First boil: "fast" &amp; &lt;quiet&gt;</a> <span class="path">/blog/2026/first-boil/</span>';

    assert.equal(
      rows[1],
      `<tr data-path="/blog/2026/first-boil/"><td class="page">${post}</td><td class="number">1</td></tr>`,
    );
    assert.equal(
      rows[4],
      `<tr data-path="/blog/2026/first-boil/" style="--share: 0.0429;"><td class="page">${post}</td><td class="type">Post</td><td class="number">30</td></tr>`,
    );
    assert.equal(
      rows[5],
      '<tr data-path="/gone/" style="--share: 0.0057;"><td class="page">/gone/</td><td class="type">Not in the site</td><td class="number">4</td></tr>',
    );
  });

  it('have the share of the most viewed page', async () => {
    const site = await open(
      answer({
        pageStats: pageStats([
          ['/a/', 8],
          ['/b/', 2],
          ['/c/', 0],
        ]),
      }),
    );
    const shares = site.findAll('tr[style]').map((row) => row.style.getPropertyValue('--share'));

    assert.deepEqual(shares, ['1', '0.25', '0']);
  });

  it('name the types, and by the names the page gives', async () => {
    const types = ['home', 'blog', 'page', 'stats', 'other', 'new', 'constructor'];
    const rows = types.map((type) => ({ path: `/${type}/`, title: 't', type, views: 1 }));
    const body = BODY.replace('data-stats=', 'data-type-blog="Beitrag" data-stats=');
    const site = await open(answer({ pageStats: rows }), { body });

    assert.deepEqual(
      site.findAll('.type').map((cell) => cell.textContent),
      [
        'Home',
        'Beitrag',
        'Page',
        'Statistics',
        'Not in the site',
        'Not in the site',
        'Not in the site',
      ],
    );
  });

  it('are text, whatever a title contains', async () => {
    const title = '<img src=x onerror=alert(1)>';
    const site = await open(
      answer({ pageStats: [{ path: '/<b>/', title, type: 'page', views: 1 }] }),
    );

    assert.equal(site.find('[data-stat-rows="pageStats"] a').textContent, title);
    assert.equal(site.find('img'), null);
  });

  it('have no link without a site', async () => {
    const site = await open(answer({ siteUrl: null }));

    assert.equal(site.find('a'), null);
    assert.match(site.find('td.page').innerHTML, /^Install <span class="path">/);
  });

  for (const siteUrl of [
    'javascript:alert(1)//',
    'data:text/html,x',
    '//evil.example/',
    'ftp://x/',
  ]) {
    it(`have no link to ${siteUrl}`, async () => {
      const site = await open(answer({ siteUrl }));

      assert.equal(site.find('a'), null);
    });
  }

  for (const [path, href] of [
    ['/', 'https://kettle.example/docs/'],
    ['/guide/über/', 'https://kettle.example/docs/guide/%C3%BCber/'],
    ['/a?b#c%/', 'https://kettle.example/docs/a%3Fb%23c%25/'],
    ["/it's (1)*!/", 'https://kettle.example/docs/it%27s%20%281%29%2A%21/'],
    ['///evil.example/', 'https://kettle.example/docs///evil.example/'],
  ]) {
    it(`link to ${path} on the site`, async () => {
      const rows = [{ path, title: 't', type: 'page', views: 1 }];
      const site = await open(answer({ pageStats: rows, activeByPath: [] }));

      assert.equal(site.find('a').getAttribute('href'), href);
    });
  }

  it('have no link to a path that has no address', async () => {
    const rows = [{ path: '/\ud800/', title: 't', type: 'page', views: 1 }];
    const site = await open(answer({ pageStats: rows, activeByPath: [] }));

    assert.equal(site.find('a'), null);
    assert.equal(site.find('[data-stats]').getAttribute('data-state'), 'live');
  });

  it('say so when there are none, and go on when there are', async () => {
    const site = await open(answer({ activeByPath: [], pageStats: [] }));
    const empty = site.findAll('[data-stat-rows] tr').map((row) => row.outerHTML);
    site.serve(contract);
    await site.wait(2);

    assert.deepEqual(empty, [
      '<tr class="empty"><td colspan="2">Nobody reads.</td></tr>',
      '<tr class="empty"><td colspan="3">Nothing viewed.</td></tr>',
    ]);
    assert.equal(site.find('.empty'), null);
    assert.equal(site.paths('pageStats').length, 5);
  });

  it('keep their elements while they move, come and go', async () => {
    const site = await open(
      answer({
        pageStats: pageStats([
          ['/a/', 3],
          ['/b/', 2],
          ['/c/', 1],
        ]),
      }),
    );
    const before = new Map(
      site
        .findAll('[data-stat-rows="pageStats"] tr')
        .map((row) => [row.getAttribute('data-path'), row]),
    );
    const link = before.get('/c/').querySelector('a');
    site.serve(
      answer({
        pageStats: pageStats([
          ['/c/', 9],
          ['/d/', 5],
          ['/a/', 3],
        ]),
      }),
    );
    await site.wait(2);
    const after = site.findAll('[data-stat-rows="pageStats"] tr');

    assert.deepEqual(site.paths('pageStats'), ['/c/', '/d/', '/a/']);
    assert.equal(after[0], before.get('/c/'));
    assert.equal(after[2], before.get('/a/'));
    assert.equal(after[0].querySelector('a'), link);
  });

  it('come into any order', async () => {
    const site = await open(contract);
    for (const order of [
      'abcde',
      'bcdea',
      'eabcd',
      'edcba',
      'acebd',
      'ba',
      'dcab',
      '',
      'eca',
      'abcde',
    ]) {
      site.serve(answer({ pageStats: pageStats([...order].map((name) => [`/${name}/`, 1])) }));
      await site.wait(2);

      const expected = order === '' ? [null] : [...order].map((name) => `/${name}/`);
      assert.deepEqual(site.paths('pageStats'), expected);
    }
  });

  for (const [what, rows, most] of /** @type {const} */ ([
    ['one rises', ['/e/', '/a/', '/b/', '/c/', '/d/'], 1],
    ['one falls', ['/b/', '/c/', '/d/', '/e/', '/a/'], 1],
    ['nothing does', ['/a/', '/b/', '/c/', '/d/', '/e/'], 0],
  ])) {
    it(`move no more than needed when ${what}`, async () => {
      const site = await open(
        answer({ pageStats: pageStats([...'abcde'].map((name) => [`/${name}/`, 1])) }),
      );
      const body = site.find('[data-stat-rows="pageStats"]');
      let moves = 0;
      for (const name of ['insertBefore', 'append']) {
        const original = body[name];
        body[name] = (/** @type {any[]} */ ...args) => {
          moves += 1;
          return original.apply(body, args);
        };
      }
      site.serve(answer({ pageStats: pageStats(rows.map((path) => [path, 1])) }));
      await site.wait(2);

      assert.deepEqual(site.paths('pageStats'), rows);
      assert.ok(moves <= most * 2, `${moves} moves`);
    });
  }

  it('take over those that the server rendered', async () => {
    const row =
      '<tr data-path="/guide/install/" data-share="20"><td class="page"><a href="https://kettle.example/docs/guide/install/">Install</a> <span class="path">/guide/install/</span></td><td class="type">Page</td><td class="number">700</td></tr>';
    const body = BODY.replace('"Nothing viewed."></tbody>', `"Nothing viewed.">\n${row}\n</tbody>`);
    const site = new Site('', { body });
    const element = site.find('[data-path="/guide/install/"]');
    const link = element.querySelector('a');
    site.serve(contract);
    site.code = readable;
    site.run();
    await site.wait(0);

    assert.equal(site.findAll('[data-stat-rows="pageStats"] tr')[0], element);
    assert.equal(element.querySelector('a'), link);
    assert.equal(site.findAll('.changed').length, 0);
  });
});

describe('changed numbers', () => {
  it('are marked for a second', async () => {
    const site = await open(contract);
    const first = site.findAll('.changed').length;
    site.serve(
      answer({
        totalPageViews: 1_235,
        activeByPath: [{ ...contract.activeByPath[0], visitors: 5 }],
      }),
    );
    await site.wait(2);
    const marked = site.findAll('.changed').map((element) => element.textContent);
    await site.wait(1);

    assert.equal(first, 0);
    assert.deepEqual(marked, ['1,235', '5']);
    assert.equal(site.findAll('.changed').length, 0);
  });

  it('are not what the server only wrote in another way', async () => {
    const site = await open(contract, {
      body: '<i data-stats=""><b data-stat="totalPageViews">1234</b></i>',
    });

    assert.equal(site.find('b').textContent, '1,234');
    assert.equal(site.findAll('.changed').length, 0);
  });
});

describe('polling', () => {
  it('asks the tracker every two seconds, through the cache', async () => {
    const site = await open(contract);
    await site.wait(10);
    const [{ url, init }] = site.requests;

    assert.equal(url, 'https://stats.example/api/stats');
    assert.equal(init.cache, 'no-cache');
    assert.equal(site.requests.length, 6);
  });

  it('asks its own origin where the base is empty, for as many rows as the page lists', async () => {
    const body = BODY.replace('https://stats.example/', '').replace(
      '"pageStats"',
      '"pageStats" data-limit="200"',
    );
    const site = await open(contract, { body });

    assert.equal(site.requests[0].url, '/api/stats?limit=200');
  });

  it('has one request under way at most', async () => {
    const site = await open(contract);
    site.answer = hung;
    await site.wait(5);
    site.setHidden(true);
    site.setHidden(false);
    await site.wait(1);

    assert.equal(site.mostOpen, 1);
    assert.equal(site.requests.length, 2);
  });

  it('rests while nobody looks, and leaves no timer behind', async () => {
    const site = await open(contract);
    site.setHidden(true);
    await site.wait(0);
    const { waiting } = site.clock;
    await site.wait(600);

    assert.equal(waiting, 0);
    assert.equal(site.requests.length, 1);
  });

  it('rests too when the page was hidden while a request was under way', async () => {
    const site = await open(contract);
    let resolve = (/** @type {unknown} */ _answer) => {};
    site.answer = () =>
      new Promise((done) => {
        resolve = done;
      });
    await site.wait(2);
    site.setHidden(true);
    resolve({ ok: true, json: async () => contract });
    await site.wait(600);

    assert.equal(site.requests.length, 2);
    assert.equal(site.clock.waiting, 0);
  });

  it('asks at once when somebody looks again', async () => {
    const site = await open(contract);
    site.setHidden(true);
    await site.wait(600);
    site.serve(answer({ activeVisitors: 9 }));
    site.setHidden(false);
    await site.wait(0);

    assert.equal(site.find('[data-stat="activeVisitors"]').textContent, '9');
    assert.equal(site.requests.length, 2);
  });

  it('asks at once when it begins in the background and is shown later', async () => {
    const site = new Site('');
    site.hidden = true;
    site.serve(contract);
    site.code = readable;
    site.run();
    await site.wait(60);
    const early = site.requests.length;
    site.setHidden(false);
    await site.wait(0);

    assert.deepEqual([early, site.requests.length], [0, 1]);
  });

  it('waits longer after each failure, up to 30 seconds, and recovers', async () => {
    const site = await open(contract);
    site.answer = async () => {
      throw new TypeError('Failed to fetch');
    };
    await site.wait(122);
    const times = site.requests.map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => (at - times[index]) / 1_000);
    site.serve(contract);
    await site.wait(30);
    const before = site.requests.length;
    await site.wait(10);

    assert.deepEqual(gaps, [2, 2, 4, 8, 16, 30, 30, 30]);
    assert.equal(site.find('[data-stats]').getAttribute('data-state'), 'live');
    assert.equal(site.requests.length - before, 5);
  });

  it('gives up a request after ten seconds', async () => {
    const site = await open(contract);
    site.answer = hung;
    await site.wait(12);
    const { aborted } = site.requests[1].init.signal;
    site.serve(contract);
    await site.wait(2);

    assert.equal(aborted, true);
    assert.equal(site.requests.length, 3);
  });
});

describe('state', () => {
  it('is live with an answer, and said in words', async () => {
    const site = await open(contract);

    assert.equal(site.find('[data-stats]').getAttribute('data-state'), 'live');
    assert.equal(site.find('[data-stats-state]').getAttribute('data-state'), 'live');
    assert.equal(site.find('[data-stats-state]').textContent, 'Live');
  });

  it('stays live as long as there are answers', async () => {
    const site = await open(contract);
    const { answer: atOnce } = site;
    site.answer = async () => {
      await new Promise((resolve) => site.clock.setTimeout(() => resolve(undefined), 700));
      return atOnce();
    };
    for (let step = 0; step < 100; step += 1) {
      await site.wait(0.3);

      assert.equal(site.find('[data-stats]').getAttribute('data-state'), 'live');
    }
  });

  it('is nothing before the first answer', async () => {
    const site = new Site(readable);
    await site.wait(5);

    assert.equal(site.find('[data-stats]').hasAttribute('data-state'), false);
  });

  it('is stale after ten seconds without an answer, and live again with one', async () => {
    const site = await open(contract);
    site.answer = async () => ({ ok: false, status: 503 });
    await site.wait(9.9);
    const before = site.find('[data-stats]').getAttribute('data-state');
    await site.wait(0.2);
    const after = site.find('[data-stats-state]').textContent;
    site.serve(contract);
    await site.wait(16);

    assert.deepEqual([before, after], ['live', 'Stale']);
    assert.equal(site.find('[data-stats-state]').textContent, 'Live');
  });

  it('is offline when there has never been an answer', async () => {
    const site = new Site(readable);
    await site.wait(11);

    assert.equal(site.find('[data-stats-state]').textContent, 'Offline');
  });

  it('is not stale because nobody looked', async () => {
    const site = await open(contract);
    site.setHidden(true);
    await site.wait(600);
    site.answer = hung;
    site.setHidden(false);
    await site.wait(9);

    assert.equal(site.find('[data-stats]').getAttribute('data-state'), 'live');
  });
});

describe('an invalid answer', () => {
  for (const [what, value] of Object.entries({
    null: null,
    'a list': [],
    nothing: {},
    'a count that is text': answer({ totalPageViews: '9999' }),
    'a negative count': answer({ uniqueVisitors: -1 }),
    'half a reader': answer({ activeVisitors: 0.5 }),
    'a missing count': answer({ publishedPages: undefined }),
    'a missing list': answer({ activeByPath: undefined }),
    'a row that is null': answer({ pageStats: [null] }),
    'a row without path': answer({ pageStats: [{ title: 't', type: 'page', views: 1 }] }),
    'a row without title': answer({ pageStats: [{ path: '/', type: 'page', views: 1 }] }),
    'a row without type': answer({ pageStats: [{ path: '/', title: 't', views: 1 }] }),
    'a row without number': answer({ pageStats: [{ path: '/', title: 't', type: 'page' }] }),
    'a time that is none': answer({ trackingSince: 'yesterday' }),
    'a time that is a number': answer({ trackingSince: 0 }),
    'an address that is none': answer({ siteUrl: 5 }),
  })) {
    it(`is a failure and shows nothing: ${what}`, async () => {
      const site = await open(contract);
      const before = site.document.body.innerHTML;
      site.serve(value);
      await site.wait(6.5);

      assert.equal(site.document.body.innerHTML, before);
      assert.equal(site.requests.length, 3); // One less than with answers.
    });
  }

  it('is a failure when it is no JSON', async () => {
    const site = await open(contract);
    site.answer = async () => ({
      ok: true,
      json: async () => {
        throw new SyntaxError('<');
      },
    });
    await site.wait(11);

    assert.equal(site.find('[data-stats-state]').textContent, 'Stale');
  });
});

describe('instant navigation', () => {
  it('starts and stops with the page', async () => {
    const site = await open(contract, { body: '<p>Another page.</p>', instant: true });
    await site.wait(10);
    const before = site.requests.length;
    site.navigate(BODY);
    await site.wait(3);
    const during = site.requests.length;
    site.navigate('<p>Another page.</p>');
    const { waiting } = site.clock;
    await site.wait(60);

    assert.deepEqual([before, during, waiting], [0, 2, 0]);
    assert.equal(site.requests.length, 2);
  });

  it('gives up what is under way when the page goes, and shows it nowhere', async () => {
    const site = await open(contract, { instant: true });
    site.answer = hung;
    await site.wait(2);
    site.navigate('<p>Another page.</p>');
    await site.wait(0);

    assert.equal(site.requests[1].init.signal.aborted, true);
    assert.equal(site.open, 0);
    assert.equal(site.clock.waiting, 0);
  });

  it('goes on with a new page of statistics, once', async () => {
    const site = await open(contract, { instant: true });
    site.navigate(BODY);
    await site.wait(4);

    assert.equal(site.find('[data-stat="uniqueVisitors"]').textContent, '567');
    assert.equal(site.requests.length, 4); // One for the first page, three for the second.
  });

  it('does not run twice when the script runs again', async () => {
    const site = await open(contract, { instant: true });
    site.run();
    await site.wait(4);

    assert.equal(site.requests.length, 3);
  });

  it('is noticed without being told', async () => {
    const site = await open(contract);
    site.document.body.innerHTML = '';
    await site.wait(60);

    assert.equal(site.requests.length, 1);
    assert.equal(site.clock.waiting, 0);
  });

  it('is followed when the theme is ready later than the script', async () => {
    const site = new Site('', { body: '', readyState: 'loading' });
    site.serve(contract);
    site.code = readable;
    site.run();
    site.readyState = 'interactive';
    site.offerStream();
    site.document.dispatchEvent(new site.document.defaultView.Event('DOMContentLoaded'));
    site.navigate(BODY);
    await site.wait(0);

    assert.equal(site.requests.length, 1);
  });

  it('ends with the script', async () => {
    const site = await open(contract, { instant: true });
    site.answer = hung;
    await site.wait(2);
    site.document['mkdocs-stats-page']();
    await site.wait(60);
    site.navigate(BODY);
    site.setHidden(true);
    site.setHidden(false);
    await site.wait(60);

    assert.equal(site.requests.length, 2);
    assert.equal(site.clock.waiting, 0);
    assert.equal(site.document['mkdocs-stats-page'], undefined);
  });
});

describe('shipped stats script', () => {
  it('is the same in the plugin and in the tracker', async () => {
    assert.equal(await readText('../../mkdocs_stats_plugin/assets/stats.js'), shipped);
  });

  it('parses no markup', () => {
    assert.doesNotMatch(shipped, /innerHTML|outerHTML|insertAdjacent|document\.write|cssText|eval/);
  });
});
