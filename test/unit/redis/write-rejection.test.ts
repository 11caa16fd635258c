import { expect, test } from "vitest";
import { findRejection, type Rejection, RejectionRetry } from "#src/redis/write-rejection.ts";
import { createFakeClock, flushPromises } from "#test/support/fakes/fake-clock.ts";

test.each([
  ["OOM command not allowed when used memory > 'maxmemory'.", "OOM"],
  ["ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed", "OOM"],
  ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "MISCONF"],
  ["READONLY You can't write against a read only replica.", "READONLY"],
  ["LOADING Redis is loading the dataset in memory", "LOADING"],
  ["BUSY Redis is busy running a script.", "BUSY"],
  ["BUSYGROUP Consumer Group name already exists", undefined],
  ["ERR Error running script: LOADING Redis is loading", "LOADING"],
  ["ERR unknown command 'SET', with args beginning with: 'the BUSY worker' 'is OOM now'", undefined],
  ["ERR the server is BUSY now", undefined],
  ["ERR see: the worker was OOM ", undefined],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", undefined],
])("the reply %j is a rejection of kind %s", (message, code) => {
  expect(findRejection(new Error(message))?.code).toBe(code);
});

test("an aborted transaction is rejected for the reason of its commands", () => {
  const previousErrors = [new Error("OOM command not allowed when used memory > 'maxmemory'.")];
  const error = Object.assign(new Error("EXECABORT Transaction discarded because of previous errors."), {
    previousErrors,
  });
  expect(findRejection(error)?.code).toBe("OOM");
});

test("a rejected task is retried until it succeeds; the reason is reported at once, then once a minute", async () => {
  const clock = createFakeClock();
  const reported: (string | undefined)[] = [];
  const onChange = (rejection: Rejection | undefined) => void reported.push(rejection?.code);
  const retry = new RejectionRetry({ clock, signal: new AbortController().signal, onChange });
  let isFull = true;
  const task = async () => {
    if (isFull) throw new Error("OOM command not allowed");
    return "done";
  };
  const results = Promise.all([retry.run(task), retry.run(task)]);
  await flushPromises();
  expect(reported).toEqual(["OOM"]);
  await clock.advance(61_000);
  expect(reported).toEqual(["OOM", "OOM"]);
  isFull = false;
  await clock.advance(1_000);
  expect(await results).toEqual(["done", "done"]);
  expect(reported).toEqual(["OOM", "OOM", undefined]);
});

test("an aborted signal ends the retries", async () => {
  const clock = createFakeClock();
  const stop = new AbortController();
  const retry = new RejectionRetry({ clock, signal: stop.signal, onChange: () => undefined });
  const result = retry.run(() => Promise.reject(new Error("MISCONF")));
  result.catch(() => undefined);
  await flushPromises();
  stop.abort(new Error("interrupted"));
  await expect(result).rejects.toThrow("interrupted");
});

test("a retry that ends with another signal shares its reports, and ends with either signal", async () => {
  const clock = createFakeClock();
  const [stop, failed] = [new AbortController(), new AbortController()];
  const reported: (string | undefined)[] = [];
  const onChange = (rejection: Rejection | undefined) => void reported.push(rejection?.code);
  const retry = new RejectionRetry({ clock, signal: stop.signal, onChange });
  const scoped = retry.until(failed.signal);
  let isFull = true;
  const task = async () => {
    if (isFull) throw new Error("OOM command not allowed");
    return "done";
  };
  const outer = retry.run(task);
  const inner = scoped.run(task);
  inner.catch(() => undefined);
  await flushPromises();
  failed.abort(new Error("disk full"));
  await expect(inner).rejects.toThrow("disk full");
  await expect(scoped.run(task)).rejects.toThrow("OOM");
  const other = retry.until(new AbortController().signal).run(task);
  other.catch(() => undefined);
  isFull = false;
  await clock.advance(1_000);
  expect(await outer).toBe("done");
  expect(await other).toBe("done");
  expect(reported).toEqual(["OOM", undefined]);
});
