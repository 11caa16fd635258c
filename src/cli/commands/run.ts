import { setTimeout as sleep } from "node:timers/promises";
import { type PublishedRun, readPublishedRun } from "../../producer/run/published-run.ts";
import { RunControl } from "../../queue/run-control.ts";
import { listRun } from "../../queue/run-list.ts";
import { createKeys, type Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import { EXIT } from "../exit.ts";
import { findRunId, unknownRun } from "../find-run.ts";
import { interruptSignal } from "../interrupt.ts";
import { openConfig } from "../open-config.ts";
import { openConfiguredRedis } from "../open-redis.ts";
import { createReporter } from "../panel/create-reporter.ts";
import type { RunReporter } from "../panel/run-reporter.ts";

export interface RunCommandOptions {
  readonly json: boolean;
  readonly config?: string;
}

const LOOK_EVERY_MS = 500;

/**
 * `sluice run`: the live panel of a run that another process coordinates, read from Redis alone. Ends with the run, or
 * when nobody coordinates it any more; its exit code is then that of the run.
 */
export async function runRun(wanted: string, options: RunCommandOptions): Promise<number> {
  const runId = await findRunId(wanted);
  const config = openConfig(options.config);
  const redis = await openConfiguredRedis(config);
  const interrupt = interruptSignal();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    isDumb: config.isDumb,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    const client = redis.source.connect("commands");
    const view = { client, keys: createKeys(config.namespace), runId, wanted };
    return await follow(view, reporter, interrupt.signal);
  } finally {
    reporter.close();
    interrupt.dispose();
    await redis.close();
  }
}

interface View {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly runId: string;
  readonly wanted: string;
}

async function follow(view: View, reporter: RunReporter, signal: AbortSignal): Promise<number> {
  const { client, keys, runId, wanted } = view;
  const control = new RunControl(client, keys, runId);
  let shownAt: number | undefined;
  for (;;) {
    // The lease is read first: a coordinator that ends between the two has told its end by then.
    const coordinator = await control.coordinator();
    const listed = await listRun(client, keys, runId);
    const published = await readPublishedRun(client, keys, runId);
    if (listed?.state === undefined && !published) throw unknownRun(wanted);
    if (shownAt === undefined) {
      const { items } = published?.snapshot ?? {};
      reporter.start({
        runId,
        model: listed?.model ?? "",
        output: listed?.dir ?? "",
        items: items?.total ?? listed?.items ?? 0,
        done: (items?.succeeded ?? 0) + (items?.failed ?? 0),
      });
    }
    if (published?.snapshot && published.at !== shownAt) reporter.progress(published.snapshot);
    shownAt = published?.at ?? 0;
    if (coordinator === undefined) return tellEnd(published, reporter, listed?.dir ?? "");
    if (signal.aborted) return EXIT.interrupted;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function tellEnd(published: PublishedRun | undefined, reporter: RunReporter, output: string): number {
  if (published?.end?.outcome === "finished") {
    const { report } = published.end;
    reporter.end({ outcome: "finished", report, output });
    return report.items.failed > 0 ? EXIT.itemsFailed : EXIT.ok;
  }
  const message = published?.end?.message ?? "no process feeds and collects this run at this moment";
  const mend = published?.end?.mend ?? "run its command again: it goes on where it stopped";
  reporter.end({ outcome: "stopped", message, mend });
  return EXIT.cannotGoOn;
}
