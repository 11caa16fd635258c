import type { RunList } from "#src/dashboard/runs/run-api.ts";
import type { CliOptions, CliProcess, CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

export interface DashboardProcess {
  readonly cli: CliProcess;
  /** "http://127.0.0.1:41234" */
  readonly url: string;
}

/** Starts a real `sluice up` (with `workers`) or `sluice dashboard` on `port` or a free port, and waits until it listens. */
export async function startDashboardProcess(
  sandbox: CliSandbox,
  { workers, port = 0, ...options }: CliOptions & { readonly workers?: number; readonly port?: number } = {},
): Promise<DashboardProcess> {
  const command = workers === undefined ? ["dashboard"] : ["up", "--workers", String(workers), "--api-port", "0"];
  const cli = sandbox.start([...command, "--port", String(port)], options);
  let exitMessage: string | undefined;
  void cli.exit.then(({ code, stderr }) => {
    exitMessage = `exited with code ${code}: ${stderr}`;
  });
  const url = await waitFor(
    () => {
      if (exitMessage !== undefined) throw new Error(`the dashboard did not start: ${exitMessage}`);
      return /Dashboard: (http:\S+)/.exec(cli.stdout())?.[1];
    },
    { what: "the URL of the dashboard" },
  );
  return { cli, url };
}

/** Waits until the dashboard lists the run whose output folder has this name, and returns its id. */
export function waitForRun(url: string, name: string): Promise<string> {
  return waitFor(
    async () => {
      const list = (await (await fetch(`${url}/api/runs`)).json()) as RunList;
      return list.runs.find((run) => run.name === name)?.run;
    },
    { what: `a run called ${name}` },
  );
}
