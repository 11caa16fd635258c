import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { acquireLease, LEASE_MS } from "#src/producer/runs/lease.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";

const clock = createFakeClock();

/** The lease of one run, on the fake clock, with what `takeLease` uses of it. */
function leaseOf(holder: string | undefined, lapsesAt = Number.POSITIVE_INFINITY) {
  let held = holder === undefined ? undefined : { token: holder, until: lapsesAt };
  const control = {
    async acquireLease(token: string, ttlMs: number) {
      if (held && held.until > clock.now() && held.token !== token) return held.token;
      held = { token, until: clock.now() + ttlMs };
      return undefined;
    },
    async breakLease(token: string) {
      if (held?.token === token) held = undefined;
    },
    async releaseLease(token: string) {
      if (held?.token === token) held = undefined;
    },
  };
  return { control: control as unknown as RunControl, holder: () => held?.token };
}

const quiet = () => ({ onWait: () => undefined, signal: new AbortController().signal });

function deadPid(): number {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  return pid;
}

test("a free lease is taken, renewed and released", async () => {
  const { control, holder } = leaseOf(undefined);
  const lease = await acquireLease(control, clock, quiet());
  expect(holder()).toBe(lease.token);
  await lease.renew();
  await lease.release();
  expect(holder()).toBeUndefined();
});

test("the lease of a dead process of this machine is broken at once", async () => {
  const { control, holder } = leaseOf(`${hostname()}/${deadPid()}/abc`);
  const lease = await acquireLease(control, clock, quiet());
  expect(holder()).toBe(lease.token);
});

test("a run of a live process of this machine is refused, and its lease left alone", async () => {
  const token = `${hostname()}/${process.pid}/other`;
  const { control, holder } = leaseOf(token);
  await expect(acquireLease(control, clock, quiet())).rejects.toThrow(RunStoppedError);
  expect(holder()).toBe(token);
});

test("a silent holder on another machine is waited for until its lease lapses", async () => {
  const { control } = leaseOf("elsewhere/17/abc", clock.now() + LEASE_MS);
  const waits: string[] = [];
  const taking = acquireLease(control, clock, { ...quiet(), onWait: (holder) => waits.push(holder) });
  await clock.advance(LEASE_MS - 1);
  await expect(Promise.race([taking, "still waiting"])).resolves.toBe("still waiting");
  await clock.advance(1_000);
  await taking;
  expect(waits).toEqual(["process 17 on elsewhere"]);
});

test("a holder on another machine that goes on renewing keeps its run", async () => {
  const { control, holder } = leaseOf("elsewhere/17/abc");
  const taking = acquireLease(control, clock, quiet());
  taking.catch(() => undefined);
  await clock.advance(2 * LEASE_MS);
  await expect(taking).rejects.toThrow("process 17 on elsewhere");
  expect(holder()).toBe("elsewhere/17/abc");
});

test("a lease that somebody else took is not held on to", async () => {
  const { control } = leaseOf(undefined);
  const lease = await acquireLease(control, clock, quiet());
  await control.breakLease(lease.token);
  await control.acquireLease(`${hostname()}/1/other`, LEASE_MS);
  await expect(lease.renew()).rejects.toMatchObject({ reason: "lost-lease" });
});

test("waiting for a lease ends when it is aborted", async () => {
  const stop = new AbortController();
  const taking = acquireLease(leaseOf("elsewhere/17/abc").control, clock, {
    ...quiet(),
    signal: stop.signal,
  });
  taking.catch(() => undefined);
  await clock.advance(300);
  stop.abort(new Error("stopped"));
  await expect(taking).rejects.toThrow("stopped");
});

test("a lease is renewed from the moment it is acquired, until it is released", async () => {
  const { control, holder } = leaseOf(undefined);
  const lease = await acquireLease(control, clock, quiet());
  await clock.advance(LEASE_MS * 3);
  expect(await control.acquireLease("elsewhere/17/abc", LEASE_MS)).toBe(lease.token);
  await lease.release();
  await clock.advance(LEASE_MS);
  expect(holder()).toBeUndefined();
});

test("a lease that another process has taken over aborts its holder", async () => {
  const { control } = leaseOf(undefined);
  const lease = await acquireLease(control, clock, quiet());
  await control.breakLease(lease.token);
  await control.acquireLease("elsewhere/17/abc", LEASE_MS);
  await clock.advance(LEASE_MS / 2);
  expect(lease.lost.reason).toMatchObject({ reason: "lost-lease" });
});
