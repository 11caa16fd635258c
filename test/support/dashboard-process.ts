import type { Cli, CliOptions, Workshop } from "./cli.ts";
import { waitFor } from "./wait-for.ts";

export interface DashboardProcess {
  readonly cli: Cli;
  /** "http://127.0.0.1:41234" */
  readonly url: string;
}

/** A real `sluice up` (with `workers` of them) or `sluice dashboard` on a free port, listening. */
export async function startDashboardProcess(
  shop: Workshop,
  { workers, ...options }: CliOptions & { readonly workers?: number } = {},
): Promise<DashboardProcess> {
  const command = workers === undefined ? ["dashboard"] : ["up", "--workers", String(workers)];
  const cli = shop.start([...command, "--port", "0"], options);
  let ended: string | undefined;
  void cli.exit.then(({ code, stderr }) => {
    ended = `it ended with ${code}: ${stderr}`;
  });
  const url = await waitFor(
    () => {
      if (ended !== undefined) throw new Error(`no dashboard: ${ended}`);
      return /Dashboard: (http:\S+)/.exec(cli.stdout())?.[1];
    },
    { what: "the dashboard's address" },
  );
  return { cli, url };
}
