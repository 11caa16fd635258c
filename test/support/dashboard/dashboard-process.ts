import type { RunList } from "#src/dashboard/runs/run-api.ts";
import type { CliOptions, CliProcess, CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

export interface DashboardProcess {
  readonly cli: CliProcess;
  /** "http://127.0.0.1:41234" */
  readonly url: string;
}

/** A real `sluice up` (with `workers` of them) or `sluice dashboard` on `port` or a free one, listening. */
export async function startDashboardProcess(
  sandbox: CliSandbox,
  { workers, port = 0, ...options }: CliOptions & { readonly workers?: number; readonly port?: number } = {},
): Promise<DashboardProcess> {
  const command = workers === undefined ? ["dashboard"] : ["up", "--workers", String(workers)];
  const cli = sandbox.start([...command, "--port", String(port)], options);
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

/** Id of the run whose output folder has this name, once the dashboard lists it. */
export function waitForRun(url: string, name: string): Promise<string> {
  return waitFor(
    async () => {
      const list = (await (await fetch(`${url}/api/runs`)).json()) as RunList;
      return list.runs.find((run) => run.name === name)?.run;
    },
    { what: `a run called ${name}` },
  );
}
