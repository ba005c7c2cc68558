/** A clock that stands still until it is told to go on. */

export class Clock {
  now = 1_700_000_000_000;
  #timers = new Map();
  #last = 0;

  /** @param {() => void} run @param {number} [delay] */
  setTimeout = (run, delay = 0) => {
    this.#last += 1;
    this.#timers.set(this.#last, { run, at: this.now + Math.max(0, Number(delay) || 0) });
    return this.#last;
  };

  /** @param {() => void} run @param {number} period */
  setInterval = (run, period) => {
    this.#last += 1;
    this.#timers.set(this.#last, { run, at: this.now + period, period });
    return this.#last;
  };

  /** @param {number | undefined} id */
  clearTimeout = (id) => {
    this.#timers.delete(id);
  };

  /** How many timers are waiting. */
  get waiting() {
    return this.#timers.size;
  }

  /** Let time pass, and all that happens meanwhile. @param {number} milliseconds */
  async advance(milliseconds) {
    const end = this.now + milliseconds;
    await settle();
    for (let round = 0; ; round += 1) {
      if (round > 100_000) throw new Error('timers without end');
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
      if (due.length === 0) break;
      const [id, timer] = due.reduce((first, other) => (other[1].at < first[1].at ? other : first));
      // Never back: after a sleep all that was due meanwhile is late.
      this.now = Math.max(this.now, timer.at);
      if (timer.period) timer.at = this.now + timer.period;
      else this.#timers.delete(id);
      timer.run();
      await settle();
    }
    this.now = end;
  }

  /** The machine sleeps: time passes and nothing happens. @param {number} milliseconds */
  sleep(milliseconds) {
    this.now += milliseconds;
  }
}

/** Wait until all that is already decided has happened. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
