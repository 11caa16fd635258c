/** Monotonic time in µs, comparable between processes of the same machine. */
export function microsecondsNow(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
