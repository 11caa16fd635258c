/** Returns numbers in [0, 1). */
export type Random = () => number;

/**
 * A generator of which equal seeds give equal numbers on every machine (sfc32 by Chris Doty-Humphrey, period at least 2^32), so that
 * intervals of a report can be reproduced.
 */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1];
  const next = () => {
    const sum = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum / 2 ** 32;
  };
  // The first numbers of similar seeds are similar.
  for (let i = 0; i < 15; i += 1) next();
  return next;
}

/** A whole number in [0, `limit`). */
export function drawInteger(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}
