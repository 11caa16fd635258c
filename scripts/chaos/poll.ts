import { setTimeout as sleep } from "node:timers/promises";

/** Polls until `probe` returns true. Rejects after two minutes, which only ends a broken round. */
export async function poll(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`waited two minutes for ${what}`);
    await sleep(25);
  }
}
