import { createMemoryLimiter } from "#src/limiter/memory-limiter.ts";
import { limiterSuite } from "#test/conformance/limiter.suite.ts";
import { createFakeClock } from "#test/support/fake-clock.ts";

limiterSuite("the memory limiter", async (options) => {
  const clock = createFakeClock();
  return {
    limiter: createMemoryLimiter(clock, options),
    advance: (ms) => clock.advance(ms),
    shiftClock: async (ms) => clock.set(clock.now() + ms),
    close: async () => undefined,
  };
});
