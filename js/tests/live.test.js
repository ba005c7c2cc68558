import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { followLive } from '../src/live.js';

/** A stream that the test drives. */
class Stream {
  CLOSED = 2;
  readyState = 0;
  /** @type {Record<string, () => void>} */
  listeners = {};
  onmessage = (/** @type {{ data: string }} */ _) => {};
  onerror = () => {};

  /** @param {string} name @param {() => void} listener */
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }

  close() {
    this.readyState = 2;
  }

  /** @param {unknown} value */
  send(value) {
    this.readyState = 1;
    this.onmessage({ data: typeof value === 'string' ? value : JSON.stringify(value) });
  }

  beat() {
    this.listeners.beat();
  }

  /** @param {boolean} forGood */
  fail(forGood) {
    this.readyState = forGood ? 2 : 0;
    this.onerror();
  }
}

/** A page that follows; figures are `{ n }`. */
function follow() {
  /** @type {any} */
  const page = {
    /** @type {Stream[]} */
    streams: [],
    /** @type {number[]} */
    shown: [],
    /** @type {string[]} */
    states: [],
    asked: 0,
    /** @type {unknown} */
    answer: undefined,
    get stream() {
      return page.streams[page.streams.length - 1];
    },
    get state() {
      return page.states[page.states.length - 1];
    },
    /** @param {number} seconds */
    async wait(seconds) {
      for (let passed = 0; passed < seconds; passed += 1) {
        mock.timers.tick(1_000);
        await new Promise((done) => setImmediate(done));
      }
    },
    live: followLive({
      connect: () => {
        const stream = new Stream();
        page.streams.push(stream);
        return /** @type {any} */ (stream);
      },
      ask: async () => {
        page.asked += 1;
        return page.answer;
      },
      show: (value) => {
        const n = /** @type {any} */ (value)?.n;
        if (n === undefined) return false;
        page.shown.push(n);
        return true;
      },
      tell: (state) => page.states.push(state),
    }),
  };
  page.live.start();
  return page;
}

describe('the live figures', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('come by the stream, and nothing is asked', async () => {
    const page = follow();
    page.stream.send({ n: 1 });
    page.stream.send({ n: 2 });
    await page.wait(20);

    assert.deepEqual(page.shown, [1, 2]);
    assert.equal(page.state, 'live');
    assert.equal(page.asked, 0);
  });

  it('are live for as long as there are beats', async () => {
    const page = follow();
    page.stream.send({ n: 1 });
    for (let minute = 0; minute < 8; minute += 1) {
      await page.wait(15);
      page.stream.beat();
    }

    assert.deepEqual(new Set(page.states), new Set(['live']));
    assert.equal(page.streams.length, 1);
  });

  it('are stale when the stream is silent, and asked for instead', async () => {
    const page = follow();
    page.stream.send({ n: 1 });
    await page.wait(26);

    assert.deepEqual(page.states.slice(0, 2), ['live', 'stale']);
    assert.ok(page.asked >= 1);
    page.answer = { n: 5 };
    await page.wait(5);
    assert.equal(page.state, 'live');
    assert.equal(page.shown.at(-1), 5);
  });

  it('are asked for where the stream is refused, less often after failures', async () => {
    const page = follow();
    page.stream.fail(true);
    await page.wait(31);

    assert.equal(page.state, 'offline');
    assert.equal(page.asked, 5); // After about 0, 2, 6, 14 and 30 seconds.
  });

  it('are tried as a stream again after a minute', async () => {
    const page = follow();
    page.answer = { n: 1 };
    page.stream.fail(true);
    await page.wait(59);
    assert.equal(page.streams.length, 1);
    await page.wait(2);

    assert.equal(page.streams.length, 2);
    page.stream.send({ n: 2 });
    const { asked } = page;
    await page.wait(20);
    assert.equal(page.asked, asked);
    assert.equal(page.state, 'live');
  });

  it('survive a short break of the stream without a word', async () => {
    const page = follow();
    page.stream.send({ n: 1 });
    page.stream.fail(false);
    await page.wait(4);
    page.stream.send({ n: 2 });
    await page.wait(20);

    assert.deepEqual(new Set(page.states), new Set(['live']));
  });

  it('are offline when there never was an answer', async () => {
    const page = follow();
    await page.wait(6);

    assert.deepEqual(page.states, ['offline']);
  });

  it('are not shown where they are no figures', async () => {
    const page = follow();
    page.stream.send('no JSON');
    page.stream.send({ other: 1 });

    assert.deepEqual(page.shown, []);
    assert.deepEqual(page.states, []);
  });

  it('stop when nobody looks, and come back', async () => {
    const page = follow();
    page.stream.fail(true);
    page.live.stop();
    const { asked } = page;
    await page.wait(120);
    assert.equal(page.asked, asked);
    page.live.start();

    assert.equal(page.streams.length, 2);
    assert.equal(page.streams[0].readyState, 2);
  });
});
