/**
 * The figures of this moment as they change: from a stream, and by asking where there is none.
 *
 * The stream ends for good when the tracker has too many of them, or where something in between
 * does not let it through. Then the tracker is asked, as often as the failures before allow, and
 * after a while the stream is tried again.
 *
 * @typedef {'live' | 'stale' | 'offline'} State
 * @typedef {'stale' | 'next' | 'stream'} Timer
 *
 * @typedef {object} Options
 * @property {() => EventSource} connect opens the stream
 * @property {() => Promise<unknown>} ask gets the figures once, undefined without an answer
 * @property {(value: unknown) => boolean} show shows figures, and says whether it could
 * @property {(state: State) => void} tell says how fresh what is shown is
 */

import { backoff } from './clock.js';

/** Milliseconds without a sign of life after which what is shown is stale: a beat comes every 15 s. */
const SILENCE = 25_000;
/** Milliseconds that a broken stream has to come back before that is said. */
const PATIENCE = 5_000;
/** Milliseconds after which a stream is tried again where there was none. */
const AGAIN = 60_000;

/**
 * @param {Options} options
 * @returns {{ start(): void, stop(): void }} both may be called at any time
 */
export function followLive({ connect, ask, show, tell }) {
  /** @type {EventSource | undefined} */
  let stream;
  let failures = 0;
  let hadAnswer = false;
  /** Counts starts and stops: an answer that comes after them is of no use. */
  let turn = 0;
  /** @type {Partial<Record<Timer, ReturnType<typeof setTimeout>>>} */
  const timers = {};

  /** @type {(name: Timer, delay: number, run: () => void) => void} */
  const after = (name, delay, run) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(run, delay);
  };

  const worry = () => tell(hadAnswer && stream ? 'stale' : 'offline');

  /** @param {unknown} value */
  const take = (value) => {
    if (!show(value)) return false;
    hadAnswer = true;
    tell('live');
    return true;
  };

  const hear = () => after('stale', SILENCE, restart);

  const open = () => {
    clearTimeout(timers.next);
    const own = connect();
    stream = own;
    after('stale', PATIENCE, worry);
    own.onmessage = ({ data }) => {
      if (take(parse(data))) hear();
    };
    own.addEventListener('beat', () => {
      if (hadAnswer) tell('live');
      hear();
    });
    own.onerror = () => {
      after('stale', PATIENCE, restart);
      if (own.readyState === own.CLOSED) poll();
    };
  };

  const close = () => {
    stream?.close();
    stream = undefined;
  };

  /** A stream that says nothing may be cut off without anybody having noticed. */
  const restart = () => {
    worry();
    poll();
  };

  const poll = () => {
    close();
    clearTimeout(timers.stale);
    after('stream', AGAIN, open);
    next();
  };

  const next = async () => {
    const own = turn;
    const good = take(await ask());
    if (own !== turn || stream) return;
    failures = good ? 0 : failures + 1;
    if (!good) worry();
    after('next', backoff(failures), next);
  };

  const stop = () => {
    turn += 1;
    close();
    for (const timer of Object.values(timers)) clearTimeout(timer);
  };

  const start = () => {
    stop();
    open();
  };

  return { start, stop };
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
