import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backoff } from '../src/clock.js';

it('backoff doubles from two seconds up to thirty', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 60, 6_000].map(backoff);

  assert.deepEqual(
    delays,
    [2, 2, 4, 8, 16, 30, 30, 30, 30].map((seconds) => seconds * 1_000),
  );
});
