import type { Api } from "#src/api/start-api.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { openServiceContext } from "#src/cli/wiring/open-service-context.ts";
import { type ServiceWorkers, startServiceWorkers } from "#src/cli/wiring/service-workers.ts";
import { startConfiguredApi } from "#src/cli/wiring/start-configured-api.ts";
import type { serveCommand } from "./definition.ts";

/** `sluice serve`: serves the HTTP API until it is stopped. */
export async function runServe(options: OptionValues<typeof serveCommand>): Promise<number> {
  const service = await openServiceContext(options.config);
  const { config, interrupt, log, redis } = service;
  let api: Api | undefined;
  let workers: ServiceWorkers | undefined;
  try {
    api = await startConfiguredApi(service, options);
    workers = await startServiceWorkers(config, {
      workers: options.workers,
      config: options.config,
      signal: interrupt.signal,
      onRestart: (reason) => log.warn(`a worker exited (${reason}) and was replaced`),
    });
    process.stdout.write(
      `${[
        `API: ${api.url}/v1`,
        `  documentation  ${api.url}/docs`,
        `  workers        ${workers.description}`,
        "  Press Ctrl-C to stop it. Requests that are being worked on are not lost.",
      ].join("\n")}\n`,
    );
    await waitForAbort(AbortSignal.any([interrupt.signal, workers.failed]));
    if (workers.failed.aborted) throw workers.failed.reason;
    return EXIT_CODES.ok;
  } finally {
    await api?.close();
    await workers?.stop();
    await redis.close();
    interrupt.dispose();
  }
}
