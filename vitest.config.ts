import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The tests start real collectors and exporters; with two cores, more workers only make them wait for each other.
    maxWorkers: 2,
    pool: 'forks',
  },
});
