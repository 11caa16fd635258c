// One clock for all processes of the machine.

/** Monotonic, the same in every process, in µs. */
export function microsecondsNow(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
