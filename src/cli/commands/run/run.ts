import { setTimeout as sleep } from "node:timers/promises";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS, createResumeHint } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createReporter } from "#src/cli/progress/create-reporter.ts";
import type { RunReporter } from "#src/cli/progress/run-reporter.ts";
import { findRunId } from "#src/cli/wiring/find-run.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { readPublishedRun } from "#src/producer/runs/progress/parse-published-run.ts";
import type { PublishedRun } from "#src/producer/runs/progress/published-run.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { readListedRun } from "#src/state/runs/run-list.ts";
import type { runCommand } from "./definition.ts";

const POLL_INTERVAL_MS = 500;

/**
 * `sluice run`: the live panel of a run that another process coordinates, from Redis only. It ends when the run ends or
 * loses its coordinator, with the exit code of the run.
 */
export async function runRun(requested: string, options: OptionValues<typeof runCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  const interrupt = listenForInterrupt();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    isDumbTerminal: config.isDumbTerminal,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const view = { client, keys, runId: await findRunId(client, keys, requested), requested };
    return await followRun(view, reporter, interrupt.signal);
  } finally {
    reporter.close();
    interrupt.dispose();
    await redis.close();
  }
}

interface FollowedRun {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly runId: string;
  readonly requested: string;
}

async function followRun(view: FollowedRun, reporter: RunReporter, signal: AbortSignal): Promise<number> {
  const { client, keys, runId, requested } = view;
  const control = new RunControl(client, keys, runId);
  let shownAt: number | undefined;
  for (;;) {
    // The lease is read first: a coordinator that ends between the two reads has published its end by then.
    const coordinator = await control.coordinator();
    const listed = await readListedRun(client, keys, runId);
    const published = await readPublishedRun(client, keys, runId);
    if (listed?.state === undefined && !published) throw CLI_ERRORS.unknownRun(requested);
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
    if (coordinator === undefined) return reportEnd(published, reporter, listed?.dir ?? "");
    if (signal.aborted) return EXIT_CODES.interrupted;
    await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

function reportEnd(published: PublishedRun | undefined, reporter: RunReporter, output: string): number {
  if (published?.end?.outcome === "finished") {
    const { report } = published.end;
    reporter.end({ outcome: "finished", report, output });
    return report.items.failed > 0 ? EXIT_CODES.itemsFailed : EXIT_CODES.ok;
  }
  const message = published?.end?.message ?? "no coordinator; the last one exited unexpectedly";
  const hint = published?.end?.hint ?? createResumeHint(output);
  reporter.end({ outcome: "stopped", message, hint });
  return EXIT_CODES.couldNotComplete;
}
