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
      if (round > 10_000) throw new Error('timers without end');
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
      if (due.length === 0) break;
      const [id, timer] = due.reduce((first, other) => (other[1].at < first[1].at ? other : first));
      this.#timers.delete(id);
      this.now = timer.at;
      timer.run();
      await settle();
    }
    this.now = end;
  }
}

/** Wait until all that is already decided has happened. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
