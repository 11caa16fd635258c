import OpenAI from "openai";
import type { CliOptions, CliProcess, CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

/** A `sluice serve` process, and OpenAI's own client of it. */
export interface ServedApi {
  readonly process: CliProcess;
  readonly client: OpenAI;
}

/** Starts `sluice serve` without workers. Rejects if it exits before it listens. */
export async function serveApi(sandbox: CliSandbox, options: CliOptions = {}): Promise<ServedApi> {
  const process = sandbox.start(["serve", "--port", "0", "--workers", "0"], options);
  let hasExited = false;
  void process.exit.then(() => {
    hasExited = true;
  });
  const baseURL = await waitFor(
    () => {
      const [, url] = /^API: (\S+)$/m.exec(process.stdout()) ?? [];
      if (url === undefined && hasExited) throw new Error(`the server exited\n${process.stderr()}`);
      return url;
    },
    { what: "the server" },
  );
  return { process, client: new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 }) };
}
