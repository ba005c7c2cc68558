import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { bundle } from '../build.mjs';
import { Page } from './page.js';

const shipped = await readText('../../mkdocs_stats_plugin/assets/extras.js');
const readable = await bundle('src/extras.js', true);
const { pages } = JSON.parse(await readText('../../tests/contract/pages.json'));

/** As Material 9 has them. */
const MATERIAL_SEARCH = `
<form class="md-search__form" name="search">
  <input class="md-search__input" name="query" data-md-component="search-query"></form>
<div class="md-search-result" data-md-component="search-result">
  <div class="md-search-result__meta">12 matching documents</div>
  <ol class="md-search-result__list">
    <li class="md-search-result__item"><a id="hit" href="/docs/guide/install/?h=flask#in">
      <article><h1 id="in">Install</h1></article></a>
      <a href="/docs/guide/install/#on"><article><h2>On</h2></article></a></li></ol></div>`;
const MATERIAL_FEEDBACK = `
<form class="md-feedback" name="feedback" hidden><fieldset>
  <div class="md-feedback__list">
    <button class="md-feedback__icon" type="submit" data-md-value="1"><svg id="good"></svg></button>
    <button class="md-feedback__icon" type="submit" data-md-value="0"><svg id="bad"></svg></button>
  </div>
  <div class="md-feedback__note">
    <div data-md-value="1" hidden>Thanks!</div><div data-md-value="0" hidden>What is missing?</div>
  </div></fieldset></form>`;
const BUILT_IN_SEARCH = `
<form><input id="mkdocs-search-query"></form>
<div id="mkdocs-search-results">
  <article><h3><a id="hit" href="/docs/guide/">Guide</a></h3><p>flask</p></article>
  <article><h3><a href="/docs/faq/">FAQ</a></h3><p>flask</p></article></div>`;
const MATERIAL_CODE = `
<pre id="first"><span></span><code>ls</code></pre>
<div class="language-python highlight"><pre id="__code_0"><nav class="md-code__nav">
  <button id="copy" data-clipboard-target="#__code_0 > code" data-md-type="copy"></button>
  <button id="select" data-md-type="select"></button></nav>
  <code><span id="text">secret = 1</span></code></pre></div>
<div class="language-c++ highlight"><table class="highlighttable"><tr>
  <td class="code"><pre id="numbered"><code>int x;</code></pre></td></tr></table></div>
<pre id="plain"><code class="language-yaml hljs">a: b</code></pre><p id="prose">Prose</p>`;

/** @param {string} name */
function readText(name) {
  return readFile(new URL(name, import.meta.url), 'utf8');
}

/** What tells an event from the next. @param {Page} page */
const brief = (page) => page.take().map(({ t, n, k, c, u }) => ({ t, n, k, c, u }));

/** Return what lets Material say something above its results, with them or without. @param {Page} page */
function searching(page) {
  const list = page.find('.md-search-result__list');
  const { innerHTML } = list;
  return (/** @type {string} */ said, /** @type {boolean} */ found) => {
    page.find('.md-search-result__meta').textContent = said;
    list.innerHTML = found ? innerHTML : '';
  };
}

for (const [name, code] of Object.entries({ source: readable, shipped })) {
  describe(`extras, ${name}`, () => {
    describe('search in Material', () => {
      it('is one event for a final query with the number of results, not one for each key', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        for (const text of ['f', 'fl', 'fla', 'flas', 'flask']) {
          page.type(text);
          page.wait(0.5);
        }
        page.wait(30);
        page.hide();

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 12, u: undefined },
        ]);
      });

      it('tells the result that is clicked, below the site root', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        page.type('flask');
        page.wait(3);
        page.fire('#in');
        page.hide();

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 12, u: '/guide/install/' },
        ]);
      });

      it('tells a result clicked before the second is over', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        page.type('flask');
        page.wait(0.5);
        page.fire('#hit');
        page.wait(10);

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 12, u: '/guide/install/' },
        ]);
      });

      it('tells each of two queries, the first without results and without a click', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        const answer = searching(page);
        answer('No matching documents', false);
        page.type('flsk');
        page.wait(2);
        page.type('flask');
        answer('1 matching document', true);
        page.wait(2);
        page.fire('#hit');

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flsk', c: 0, u: undefined },
          { t: 'event', n: 'search', k: 'flask', c: 1, u: '/guide/install/' },
        ]);
      });

      for (const [said, count] of Object.entries({
        'Leiti üks tulemus': 1,
        'ผลลัพธ์ตรงกัน หนึ่ง': 1,
        'Wyniki wyszukiwania: 12': 12,
        '3개의 일치하는 문서': 3,
        '1.2k matching documents': 1_200,
        '25k Suchergebnisse': 25_000,
      })) {
        it(`knows how many results these are: ${said}`, () => {
          const page = new Page(code, { body: MATERIAL_SEARCH });
          page.find('.md-search-result__meta').textContent = said;
          page.type('flask');
          page.wait(2);
          page.hide();

          assert.equal(page.take()[0].c, count);
        });
      }

      it('has the results that come when the index is there at last', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        const answer = searching(page);
        answer('Initializing search', false);
        page.type('flask');
        page.wait(6);
        answer('12 matching documents', true);
        page.wait(0.5);
        page.hide();

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 12, u: undefined },
        ]);
      });

      it('keeps the number of its results when the next is typed, and when the box is emptied', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        const answer = searching(page);
        page.type('flask');
        page.wait(2);
        page.type('');
        answer('Type to start searching', false);
        page.wait(5);
        page.type('flsk');
        answer('No matching documents', false);
        page.wait(2);
        page.hide();

        assert.deepEqual(
          brief(page).map(({ k, c }) => [k, c]),
          [
            ['flask', 12],
            ['flsk', 0],
          ],
        );
      });

      it('does not change the rating that waits for a comment while a text stands there', () => {
        const page = new Page(code, {
          body: `${MATERIAL_SEARCH}<button data-md-value="1">Yes</button>
            <textarea data-stats-comment hidden></textarea>`,
        });
        page.type('flask');
        page.wait(2);
        page.fire('button');
        page.wait(5);
        page.hide();

        assert.deepEqual(
          brief(page).map(({ n, c }) => [n, c]),
          [
            ['search', 12],
            ['feedback', 1],
          ],
        );
      });

      it('is of the page on which it happened, with its load', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        page.type('flask');
        page.wait(2);
        page.navigate('/b/', MATERIAL_SEARCH);
        const [{ l, p, h }] = page.take();

        assert.deepEqual({ l, p, h }, { l: '100000000000000001', p: '/a/', h: 0 });
      });

      it('is not told again for what still stands there on the next page', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        page.type('flask');
        page.wait(2);
        page.fire('#hit');
        page.load = { l: '2', p: '/b/', v: 0, a: 0 };
        page.wait(10);
        page.hide();

        assert.equal(page.take().length, 1);
      });

      it('is told again when it is typed again', () => {
        const page = new Page(code, { body: MATERIAL_SEARCH });
        for (const text of ['flask', '', 'flask']) {
          page.type(text);
          page.wait(2);
        }
        page.hide();

        assert.equal(page.take().length, 2);
      });
    });

    describe('search built into MkDocs', () => {
      it('counts its results and tells the one that is clicked', () => {
        const page = new Page(code, { body: BUILT_IN_SEARCH });
        page.type('flask');
        page.wait(2);
        page.fire('#hit');

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 2, u: '/guide/' },
        ]);
      });

      it('has the results that come when the index is there at last', () => {
        const page = new Page(code, { body: BUILT_IN_SEARCH, path: '/docs/search.html?q=flask' });
        const results = page.find('#mkdocs-search-results');
        const { innerHTML } = results;
        results.innerHTML = 'Searching...';
        page.type('flask');
        page.wait(3);
        results.innerHTML = innerHTML;
        page.wait(0.5);
        page.hide();

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'search', k: 'flask', c: 2, u: undefined },
        ]);
      });

      it('is told when the query comes with the address and nothing is found', () => {
        const page = new Page(code, { body: BUILT_IN_SEARCH, path: '/docs/search.html?q=flsk' });
        page.find('#mkdocs-search-results').innerHTML = '<p>No results found</p>';
        page.type('flsk');
        page.wait(2);
        page.hide();

        assert.deepEqual(brief(page), [{ t: 'event', n: 'search', k: 'flsk', c: 0, u: undefined }]);
      });
    });

    describe('what a reader typed', () => {
      for (const [typed, told] of [
        ['ask ada.l+x@mail.example now', 'ask * now'],
        ['order 123456', 'order *'],
        ['4111 1111 1111 1111', '*'],
        ['+43 660-123 4567', '+*'],
        ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', '*'],
        ['token=aaaaaaaaaaaaaaaaaaa1', 'token=*'],
        ['python 3.12.4', 'python 3.12.4'],
        ['error 12345', 'error 12345'],
        ['mkdocs_stats_plugin_configuration', 'mkdocs_stats_plugin_configuration'],
        ['  spaces  ', 'spaces'],
        ['y'.repeat(5_000), 'y'.repeat(200)],
      ]) {
        it(`is told as ${told.slice(0, 20)} when it was ${typed.slice(0, 30)}`, () => {
          const page = new Page(code, { body: MATERIAL_SEARCH });
          page.type(typed);
          page.wait(2);
          page.hide();

          assert.equal(page.take()[0].k, told);
        });
      }
    });

    describe('feedback', () => {
      it("shows Material's form, tells what is clicked, and thanks", () => {
        const page = new Page(code, { body: MATERIAL_FEEDBACK });
        page.wait(0.5);
        const shown = !page.find('form').hidden;
        const submits = page.fire('#bad');

        assert.deepEqual([shown, submits], [true, false]);
        assert.deepEqual(brief(page), [
          { t: 'event', n: 'feedback', k: undefined, c: 0, u: undefined },
        ]);
        assert.equal(page.find('fieldset').disabled, true);
        assert.equal(page.find('div[data-md-value="0"]').hidden, false);
        assert.equal(page.find('div[data-md-value="1"]').hidden, true);
      });

      it("shows Material's form on the next page too", () => {
        const page = new Page(code);
        page.wait(0.5);
        page.navigate('/b/', MATERIAL_FEEDBACK);

        assert.equal(page.find('form').hidden, false);
      });

      for (const value of [1, 0]) {
        it(`is told by any button of a site: ${value}`, () => {
          const body = `<p><button data-md-value="${value}">?</button></p>`;
          const page = new Page(code, { body });
          page.wait(0.5);
          page.fire('button');

          assert.deepEqual(brief(page), [
            { t: 'event', n: 'feedback', k: undefined, c: value, u: undefined },
          ]);
        });
      }

      it('cannot be given twice, and neither can its comment', () => {
        const body = `<fieldset><button data-md-value="1">yes</button></fieldset>
          <div data-md-value="1" hidden>Thank you!</div><input data-stats-comment hidden>`;
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('button');
        const open = [page.find('fieldset').disabled, page.find('input').disabled];
        const thanks = !page.find('div').hidden;
        page.find('input').value = 'short';
        page.fire('input', 'change');

        assert.deepEqual([open, thanks], [[true, false], true]);
        assert.equal(page.find('input').disabled, true);
        assert.deepEqual(brief(page), [
          { t: 'event', n: 'feedback', k: 'short', c: 1, u: undefined },
        ]);
      });

      it('waits for a comment where there is a place for one, and tells both at once', () => {
        const body = `<button data-md-value="0">no</button><textarea data-stats-comment hidden></textarea>`;
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('button');
        const [early, shown] = [page.take(), !page.find('textarea').hidden];
        page.find('textarea').value = 'Write to me@mail.example';
        page.fire('textarea', 'change');

        assert.deepEqual([early, shown], [[], true]);
        assert.deepEqual(brief(page), [
          { t: 'event', n: 'feedback', k: 'Write to *', c: 0, u: undefined },
        ]);
      });

      it('is told without the comment when none comes', () => {
        const body = `<button data-md-value="1">yes</button><textarea data-stats-comment></textarea>`;
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('button');
        page.hide();

        assert.deepEqual(brief(page), [
          { t: 'event', n: 'feedback', k: undefined, c: 1, u: undefined },
        ]);
      });

      it('does not take a search for the rating that a comment is of', () => {
        const body = `${MATERIAL_SEARCH}<textarea data-stats-comment>x</textarea>`;
        const page = new Page(code, { body });
        page.type('flask');
        page.wait(2);
        page.fire('textarea', 'change');
        page.hide();

        assert.deepEqual(
          page.take().map(({ k }) => k),
          ['flask'],
        );
      });

      it('has no comment of a reader who rates nothing', () => {
        const page = new Page(code, { body: '<textarea data-stats-comment>x</textarea>' });
        page.wait(0.5);
        page.fire('textarea', 'change');
        page.hide();

        assert.deepEqual(page.take(), []);
      });
    });

    describe('several forms on a page', () => {
      /** @param {string} id */
      const form = (id) => `<div class="md-feedback" id="${id}"><fieldset>
        <button data-md-value="1">yes</button><button data-md-value="0">no</button></fieldset>
        <div data-md-value="1" hidden>Thanks!</div><div data-md-value="0" hidden>Sorry!</div>
        <input data-stats-comment hidden></div>`;
      const body = `<h1 id="kettle">Kettle</h1>${form('first')}<h2>Without id</h2><p>.</p>
        <h3 id="boil"><b>Boil</b></h3>${form('second')}<h2 id="after">After</h2>`;
      /** What is shown of a form, and whether it is open. @param {Page} page @param {string} id */
      const seen = (page, id) =>
        [...page.document.querySelectorAll(`#${id} :is(div,input)`)].map(({ hidden }) => !hidden);

      it('says below which heading it stands', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('#second button');
        page.hide();
        const [{ c, h }] = page.take();

        assert.deepEqual({ c, h }, { c: 1, h: 'boil' });
      });

      it('says no heading above the first', () => {
        const page = new Page(code, { body: `${form('first')}<h1 id="kettle">Kettle</h1>` });
        page.wait(0.5);
        page.fire('#first button');
        page.hide();

        assert.equal(page.take()[0].h, undefined);
      });

      it('shows thanks and field of its own alone, and closes itself alone', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('#second button + button');

        assert.deepEqual(seen(page, 'first'), [false, false, false]);
        assert.deepEqual(seen(page, 'second'), [false, true, true]);
        assert.deepEqual(
          ['#first fieldset', '#second fieldset'].map((one) => page.find(one).disabled),
          [false, true],
        );
      });

      it('has its comment, and not that of another', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('#first button + button');
        page.fire('#second button');
        page.find('#first input').value = 'too long';
        page.fire('#first input', 'change');
        page.find('#second input').value = 'boils';
        page.fire('#second input', 'change');

        assert.deepEqual(
          page.take().map(({ k, c, h }) => ({ k, c, h })),
          [
            { k: undefined, c: 0, h: 'kettle' },
            { k: 'boils', c: 1, h: 'boil' },
          ],
        );
      });

      it("does not wait for a comment in a form that has no field, such as Material's", () => {
        const page = new Page(code, { body: form('first') + MATERIAL_FEEDBACK });
        page.wait(0.5);
        page.fire('#good');

        assert.equal(page.take().length, 1);
        assert.deepEqual(seen(page, 'first'), [false, false, false]);
      });
    });

    describe('tabs', () => {
      /** @param {number} set @param {string[]} labels */
      const inputs = (set, labels) =>
        labels.map(
          (_, index) =>
            `<input type="radio" name="__tabbed_${set}" id="__tabbed_${set}_${index + 1}">`,
        );
      /** @param {number} set @param {string[]} texts */
      const labels = (set, texts) =>
        texts.map((text, index) => `<label for="__tabbed_${set}_${index + 1}">${text}</label>`);
      /** @param {number} set @param {string[]} texts */
      const alternate = (set, texts) => `<div class="tabbed-set tabbed-alternate">
        ${inputs(set, texts).join('')}<div class="tabbed-labels">${labels(set, texts).join('')}</div>
        <div class="tabbed-content"><div class="tabbed-block">x</div></div></div>`;
      /** @param {number} set @param {string[]} texts */
      const classic = (set, texts) => {
        const [marks, names] = [inputs(set, texts), labels(set, texts)];
        return `<div class="tabbed-set">${marks.map((mark, index) => mark + names[index]).join('')}</div>`;
      };
      const texts = ['Linux', '<a href="#__tabbed_2_2" tabindex="-1">Mac <code>OS</code></a>'];
      /** @param {Page} page */
      const told = (page) => page.take().map(({ n, k, c }) => ({ n, k, c }));

      for (const [style, make] of Object.entries({ alternate, classic })) {
        it(`are told with label and set: ${style} style`, () => {
          const page = new Page(code, { body: make(1, ['A', 'B']) + make(2, texts) });
          page.wait(0.5);
          const first = told(page);
          page.fire('#__tabbed_2_2', 'change');
          page.fire('#__tabbed_1_1', 'change');

          assert.deepEqual(first, []);
          assert.deepEqual(told(page), [
            { n: 'tab', k: 'Mac OS', c: 1 },
            { n: 'tab', k: 'A', c: 0 },
          ]);
        });
      }

      it('that Material chooses along with another are not told', () => {
        const page = new Page(code, { body: alternate(1, ['A', 'B']) });
        page.wait(0.5);
        page.find('label').setAttribute('data-md-switching', '');
        page.fire('#__tabbed_1_1', 'change');
        page.find('label').removeAttribute('data-md-switching');
        page.fire('#__tabbed_1_2', 'change');

        assert.deepEqual(told(page), [{ n: 'tab', k: 'B', c: 0 }]);
      });

      it('are no other radio buttons, boxes or fields', () => {
        const page = new Page(code, {
          body: `<label for="__palette_0">Dark</label><input type="radio" name="__palette" id="__palette_0">
            <label for="size_1">L</label><input type="radio" name="size_1" id="size_1">
            <label>Name <input name="who"></label><select></select>`,
        });
        page.wait(0.5);
        for (const selector of ['#__palette_0', '#size_1', '[name=who]', 'select']) {
          page.fire(selector, 'change');
        }

        assert.deepEqual(told(page), []);
      });
    });

    describe('anchor', () => {
      const body =
        '<h1 id="kettle">Kettle</h1><p id="einführung"><a name="old">Old</a><i id="__tabbed_1_1"></i></p>';
      const referrer = 'https://blog.example/post';
      /** @param {string} hash */
      const open = (hash, p = '/a/') => {
        const page = new Page(code, { body, referrer, p, path: `/docs/a/?a=1&b=2${hash}` });
        page.wait(0.5);
        return page;
      };

      for (const [hash, k] of [
        ['#gone', 'gone'],
        ['#geh%C3%B6rt', 'gehört'],
        ['#step-12-install-the-package', 'step-12-install-the-package'],
        ['#kettle.boil()', 'kettle.boil()'],
        ['#a#b', 'a#b'],
        ['#__tabbed_9_9', '__tabbed_9_9'],
        [`#${'y'.repeat(200)}`, 'y'.repeat(200)],
      ]) {
        it(`is told that is not there: ${hash.slice(0, 30)}`, () => {
          const page = open(hash);
          page.wait(60);
          const [{ t, n, p, r, ...event }, ...rest] = page.take();

          assert.deepEqual(
            { t, n, p, r, k: event.k, rest },
            {
              ...{ t: 'event', n: 'anchor', p: '/a/', r: referrer, k },
              rest: [],
            },
          );
        });
      }

      for (const hash of [
        '',
        '#',
        '#kettle',
        '#old',
        '#einf%C3%BChrung',
        '#__tabbed_1_1',
        '#:~:text=kettle',
        '#gone:~:text=kettle',
        '#access_token=c0ffee',
        '#access_token%3Dc0ffee',
        '#state&code',
        '#some%20words',
        '#%E4',
        '#"]',
        `#${'y'.repeat(201)}`,
      ]) {
        it(`is not told: ${hash.slice(0, 30)}`, () => {
          const page = open(hash);
          page.wait(5);

          assert.deepEqual(page.take(), []);
          assert.equal(page.load.d, 20);
        });
      }

      it('that cannot be decoded does not hide a missing page', () => {
        assert.deepEqual(
          open('#%E4', '404')
            .take()
            .map(({ n }) => n),
          ['not_found'],
        );
      });

      it('is not told on a page that is missing or not to be counted', () => {
        assert.deepEqual(
          open('#gone', '404')
            .take()
            .map(({ n }) => n),
          ['not_found'],
        );
        assert.deepEqual(open('#gone', '').take(), []);
      });

      it('of the next page has no referrer, which is that of the first', () => {
        const page = open('#kettle');
        page.dom.location.hash = '#lost';
        page.navigate('/b/');
        const [{ n, k, p, r }, ...rest] = page.take();

        assert.deepEqual(
          { n, k, p, r, rest },
          { n: 'anchor', k: 'lost', p: '/b/', r: false, rest: [] },
        );
      });
    });

    describe('copy', () => {
      for (const [how, selector, type, c, k] of /** @type {const} */ ([
        ['the button', '#copy', 'click', 1, 'python'],
        ['a selection', '#text', 'copy', 1, 'python'],
        ['a selection without a language', '#first', 'copy', 0, undefined],
        ['a selection beside line numbers', '#numbered code', 'copy', 2, 'c++'],
        ['a selection in the theme mkdocs', '#plain code', 'copy', 3, 'yaml'],
      ])) {
        it(`by ${how} tells block and language and never the text`, () => {
          const page = new Page(code, { body: MATERIAL_CODE });
          page.wait(0.5);
          page.fire(selector, type);
          const [event, ...rest] = page.take();

          assert.deepEqual(rest, []);
          assert.deepEqual([event.n, event.c, event.k], ['copy', c, k]);
          assert.doesNotMatch(JSON.stringify(event), /secret|int x/);
        });
      }

      it('is told once when the button selects what it copies', () => {
        const page = new Page(code, { body: MATERIAL_CODE });
        page.wait(0.5);
        page.fire('#copy');
        page.fire('#text', 'copy');

        assert.equal(page.take().length, 1);
      });

      it('is told for each of two blocks', () => {
        const page = new Page(code, { body: MATERIAL_CODE });
        page.wait(0.5);
        page.fire('#copy');
        page.fire('#plain', 'copy');

        assert.equal(page.take().length, 2);
      });

      it('of prose and a click on another button are not told', () => {
        const page = new Page(code, { body: MATERIAL_CODE });
        page.wait(0.5);
        page.fire('#prose', 'copy');
        page.fire('#select');

        assert.deepEqual(page.take(), []);
      });
    });

    describe('link', () => {
      for (const [href, n] of /** @type {const} */ ([
        ['https://other.example/x?y', 'outbound'],
        ['//other.example/', 'outbound'],
        ['http://site.example:8080/', 'outbound'],
        ['/docs/files/manual.pdf', 'download'],
        ['/docs/files/data.tar.gz#x', 'download'],
        ['https://other.example/app.zip', 'download'],
        ['/docs/b/', undefined],
        ['/docs/b.html', undefined],
        ['/docs/1.10', undefined],
        ['#top', undefined],
        ['mailto:ada@mail.example', undefined],
        ['javascript:void(0)', undefined],
      ])) {
        it(`to ${href} is ${n ?? 'not told'}`, () => {
          const page = new Page(code, { body: `<a href="${href}"><b>there</b></a>` });
          page.wait(0.5);
          const follows = page.fire('b');
          const expected = n ? [{ n, k: new URL(href, 'https://site.example/docs/a/').href }] : [];

          assert.equal(follows, true);
          assert.deepEqual(
            page.take().map(({ n, k }) => ({ n, k })),
            expected,
          );
        });
      }

      it('is told when it is opened in another tab, not when a menu is', () => {
        const page = new Page(code, { body: '<a href="https://other.example/">x</a>' });
        page.wait(0.5);
        page.fire('a', 'auxclick', { button: 2 });
        const menu = page.take().length;
        page.fire('a', 'auxclick', { button: 1 });

        assert.deepEqual([menu, page.take().length], [0, 1]);
      });

      it('is told although the theme stops the event', () => {
        const page = new Page(code, { body: '<p><a href="https://other.example/">x</a></p>' });
        page.wait(0.5);
        page
          .find('p')
          .addEventListener(
            'click',
            (/** @type {Event} */ event) => event.stopImmediatePropagation(),
            true,
          );
        page.fire('a');

        assert.equal(page.take().length, 1);
      });
    });

    describe('missing page', () => {
      for (const { name, meta, location, p } of pages.filter(
        (/** @type {any} */ page) => page.t === 'event',
      )) {
        it(`is told as in the contract: ${name}`, () => {
          const { pathname } = new URL(location);
          const page = new Page(code, {
            p: meta,
            path: pathname,
            referrer: 'https://old.example/x',
          });
          page.wait(60);
          const [event, ...rest] = page.take();

          assert.deepEqual(rest, []);
          assert.deepEqual(
            [event.t, event.n, event.p, event.r],
            ['event', 'not_found', p, 'https://old.example/x'],
          );
          assert.match(event.l, /^[\da-f]{16,32}$/);
        });
      }

      it('has searches of its own, with its path and an id that the tracker takes', () => {
        const page = new Page(code, { p: '404', path: '/docs/no/', body: MATERIAL_SEARCH });
        page.type('flask');
        page.wait(2);
        page.fire('#hit');
        const [missing, search] = page.take();

        assert.deepEqual([search.n, search.p, search.l], ['search', '/no/', missing.l]);
      });
    });

    it('says nothing on a page that is not to be counted', () => {
      const page = new Page(code, { p: '', body: MATERIAL_SEARCH + MATERIAL_CODE });
      page.type('flask');
      page.wait(5);
      page.fire('#copy');
      page.fire('#hit');
      page.hide();

      assert.deepEqual(page.take(), []);
    });

    describe('depth', () => {
      it('is the greatest, also of a scroll that is over at the next look', () => {
        const page = new Page(code);
        page.wait(1);
        const first = page.load.d;
        page.scrollY = 2_000;
        page.core.x(page.load, 10);
        page.scrollY = 0;
        page.wait(1);

        assert.deepEqual([first, page.load.d], [20, 60]);
      });

      it('is all of a page that fits', () => {
        const page = new Page(code);
        page.height = 1_000;
        page.wait(1);

        assert.equal(page.load.d, 100);
      });

      it('is all at the end, also between two pixels', () => {
        const page = new Page(code);
        page.scrollY = 3_999.4;
        page.wait(1);

        assert.equal(page.load.d, 100);
      });

      it('is more than all when the page has shrunk, which the tracker takes for all', () => {
        const page = new Page(code);
        page.scrollY = 4_000;
        page.wait(1);
        page.height = 2_000;
        page.wait(1);

        assert.equal(page.load.d, 250);
      });

      it('falls when the document grows late', () => {
        const page = new Page(code);
        page.height = 1_000;
        page.wait(1);
        page.height = 4_000;
        page.wait(1);

        assert.equal(page.load.d, 25);
      });

      it('begins anew on the next page', () => {
        const page = new Page(code);
        page.scrollY = 4_000;
        page.wait(1);
        page.scrollY = 0;
        page.navigate('/b/');

        assert.equal(page.load.d, 20);
      });
    });

    describe('headings', () => {
      const body = `<h1 id="a" data-top="0">A</h1><h2 id="b" data-top="500">B</h2>
        <h3 id="c" data-top="1500">C</h3><h2 id="d" data-top="4000">D</h2><h2>without id</h2><h4 id="dialog">Search</h4>`;

      it('have the milliseconds for which a part of their section is visible', () => {
        const page = new Page(code, { body });
        page.wait(2);
        page.scrollY = 600;
        page.wait(3);
        page.scrollY = 2_000;
        page.wait(4);

        assert.deepEqual({ ...page.load.h }, { b: 5_000, a: 2_000, c: 7_000 });
      });

      it('add up many short looks', () => {
        const page = new Page(code, { body });
        for (let look = 0; look < 100; look += 1) page.core.x(page.load, 20);

        assert.ok(Math.abs(page.load.h.a - 2_000) <= 250, page.load.h.a);
      });

      it('begin anew on the next page', () => {
        const page = new Page(code, { body });
        page.wait(2);
        page.navigate('/b/');

        assert.deepEqual({ ...page.load.h }, {});
      });

      it('are so few that a message stays below 4,096 bytes', () => {
        const many = Array.from(
          { length: 300 },
          (_, index) => `<h2 id="${'標題'.repeat(10)}${index}" data-top="${index}">x</h2>`,
        );
        const page = new Page(code, { body: many.join('') });
        page.wait(2_000);

        const { length } = Buffer.from(JSON.stringify(page.load.h));
        assert.ok(length > 1_000 && length < 3_300, `${length} bytes`);
      });
    });

    describe('opt-out control', () => {
      const body =
        '<button data-stats-opt-out="Count me again" aria-pressed="false">Do not count me</button>';

      it('shows the state and toggles it', () => {
        const page = new Page(code, { body });
        const button = page.find('button');
        const read = () => [
          button.getAttribute('aria-pressed'),
          button.textContent,
          page.stored['mkdocs-stats-off'],
        ];
        page.wait(0.5);
        const states = [read()];
        for (let click = 0; click < 2; click += 1) {
          page.fire('button');
          states.push(read());
        }

        assert.deepEqual(states, [
          ['false', 'Do not count me', undefined],
          ['true', 'Count me again', 1],
          ['false', 'Do not count me', undefined],
        ]);
      });

      it('follows what another tab does', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        page.stored['mkdocs-stats-off'] = '1';
        page.wait(0.5);

        assert.equal(page.find('button').getAttribute('aria-pressed'), 'true');
      });

      it('keeps its text where it has no others', () => {
        const page = new Page(code, { body: '<button data-stats-opt-out>Counting</button>' });
        const read = () => [
          page.find('button').getAttribute('aria-pressed'),
          page.find('button').textContent,
        ];
        page.wait(0.5);
        const first = read();
        page.fire('button');

        assert.deepEqual(
          [first, read()],
          [
            ['false', 'Counting'],
            ['true', 'Counting'],
          ],
        );
      });

      it('leaves no key behind when it is switched off again', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        page.fire('button');
        page.fire('button');

        assert.deepEqual(page.stored, {});
      });

      it('may stand in a page more than once', () => {
        const page = new Page(code, { body: `<p>${body}</p><p>${body}</p>` });
        const read = () =>
          [...page.document.querySelectorAll('button')].map((button) => [
            button.getAttribute('aria-pressed'),
            button.textContent,
          ]);
        page.wait(0.5);
        page.fire('p:last-child button');
        const on = read();
        page.fire('button');

        assert.deepEqual(on, Array(2).fill(['true', 'Count me again']));
        assert.deepEqual(read(), Array(2).fill(['false', 'Do not count me']));
      });

      it('does not stop the rest where a storage is forbidden', () => {
        const page = new Page(code, { body });
        Object.defineProperty(page.window, 'localStorage', {
          get: () => {
            throw new DOMException('denied', 'SecurityError');
          },
        });
        page.wait(0.5);

        assert.equal(page.load.d, 20);
      });

      it('is left alone while nothing changes', () => {
        const page = new Page(code, { body });
        page.wait(0.5);
        const { firstChild } = page.find('button');
        page.wait(5);

        assert.equal(page.find('button').firstChild, firstChild);
      });
    });

    it('measures and searches where there is no storage', () => {
      const page = new Page(code, { body: `${MATERIAL_SEARCH}<h1 id="a" data-top="0">A</h1>` });
      Object.defineProperty(page.window, 'localStorage', { value: null });
      page.type('flask');
      page.wait(2);
      page.hide();

      assert.deepEqual([page.take()[0].k, page.load.d, page.load.h.a], ['flask', 20, 2_000]);
    });

    it('throws nothing, whatever is clicked and missing', () => {
      const page = new Page(code, {
        body: `<i data-clipboard-target="#none"></i><i data-clipboard-target="((("></i>
          <div class="md-search-result"><b>no link</b></div><button data-md-value="9"></button>`,
      });
      Object.defineProperty(page.window, 'localStorage', {
        get: () => {
          throw new DOMException('denied', 'SecurityError');
        },
      });
      /** @type {unknown[]} */
      const errors = [];
      page.dom.addEventListener('error', (event) => errors.push(event));
      page.wait(1);
      for (const selector of ['i', 'i + i', 'b', 'button']) page.fire(selector);
      page.document.dispatchEvent(new page.dom.Event('click'));
      page.hide();

      assert.deepEqual(errors, []);
    });
  });
}
