import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describeDashboard } from "#src/cli/commands/dashboard/dashboard.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { listenForInterrupt, waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { childEnvironment } from "#src/config/config.ts";
import { quoteShellWords, SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Dashboard } from "#src/dashboard/start-dashboard.ts";
import { SIMULATOR_API_KEY, startSimulator } from "#src/simulator/simulator.ts";
import type { demoCommand } from "./definition.ts";
import { startDemoDashboard } from "./demo-dashboard.ts";

/** Limits of the simulated account, which sluice.yaml of the demo states as well, as for a real account. */
const LIMITS = { requestsPerMinute: 480, concurrency: 6 };
const ITEMS = 4_000;

const QUERIES = [
  "how do I set a timeout for a request",
  "parse a date in another time zone",
  "read a file line by line",
];

/**
 * `sluice demo`: the real commands against the simulator, with a private Redis, worker processes, panel and files. Ends by
 * itself and leaves nothing running.
 */
export async function runDemo(options: OptionValues<typeof demoCommand>): Promise<number> {
  const interrupt = listenForInterrupt();
  const source = findMarkdownFolder();
  const home = await mkdtemp(join(tmpdir(), "sluice-demo-"));
  const out = join(home, "vectors");
  const simulator = await startSimulator({
    limits: { requestsPerWindow: LIMITS.requestsPerMinute, concurrency: LIMITS.concurrency },
    latency: { fixedMs: 120, jitterMs: 60 },
  });
  let dashboard: Dashboard | undefined;
  try {
    const settings = join(home, "sluice.yaml");
    await writeFile(settings, createSettings());
    const environment = childEnvironment({
      REDIS_URL: undefined,
      SLUICE_HOME: home,
      SLUICE_CONFIG: settings,
      MINIMAX_API_KEY: SIMULATOR_API_KEY,
      MINIMAX_BASE_URL: simulator.url,
      SLUICE_VIEWER_PASSWORD: undefined,
      SLUICE_OPERATOR_PASSWORD: undefined,
    });
    dashboard = await startDemoDashboard(environment);
    printIntroduction(dashboard);
    const run = (args: readonly string[]) => runCommand(args, environment, interrupt.signal);
    const model = "minimax/embo-01";
    const shown = relative(process.cwd(), source) || ".";
    const glob = join(shown, "**/*.md");
    const target = ["--model", model, "--out", out];
    const code = await run(["embed", glob, ...target, "--with-text", "--limit", String(ITEMS), "--skip-invalid"]);
    if (code !== EXIT_CODES.ok) return code;
    const { calls, throttled } = simulator.statistics();
    const refused = Object.values(throttled).reduce((sum, count) => sum + count, 0);
    print("", `The provider counted ${formatCount(calls)} calls and refused ${formatCount(refused)}.`, "");
    for (const query of QUERIES) {
      const found = await run(["search", out, query, "--top", "2"]);
      if (found !== EXIT_CODES.ok) return found;
      print("");
    }
    print(...describeNextSteps(options.keep ? out : undefined));
    if (options.stay) {
      print("", `The dashboard keeps running at ${dashboard.url}. Press Ctrl-C to stop it.`);
      await waitForAbort(interrupt.signal);
    }
    return EXIT_CODES.ok;
  } finally {
    await dashboard?.close();
    await simulator.close();
    interrupt.dispose();
    if (!options.keep) await rm(home, { recursive: true, force: true });
  }
}

function printIntroduction(dashboard: Dashboard): void {
  print(
    "Sluice demo: a private Redis, worker processes, and a simulated provider that refuses more",
    `than ${LIMITS.requestsPerMinute} requests per minute or ${LIMITS.concurrency} concurrent calls. No key, and no connections beyond this machine.`,
    "",
    describeDashboard(dashboard),
    "",
  );
}

function createSettings(): string {
  const { requestsPerMinute, concurrency } = LIMITS;
  return [
    "providers:",
    "  minimax:",
    "    models:",
    "      embo-01:",
    `        limits: { requestsPerMinute: ${requestsPerMinute}, concurrency: ${concurrency} }`,
    "",
  ].join("\n");
}

/** The nearest node_modules folder: every installation has one, and it contains much Markdown. */
function findMarkdownFolder(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const candidate = join(dir, "node_modules");
    if (existsSync(candidate)) return candidate;
  }
  throw CLI_ERRORS.noMarkdown();
}

/** Prints a command line and runs it as a child process in this terminal. */
async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  if (signal.aborted) return EXIT_CODES.interrupted;
  print(`$ ${quoteShellWords("sluice", ...args)}`);
  const entry = fileURLToPath(new URL("../../../../bin/sluice.js", import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { stdio: "inherit", env });
  // In a terminal, Ctrl-C reaches the child directly; a SIGTERM to this process does not.
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, killedBy) =>
      resolve(status ?? (killedBy ? EXIT_CODES.interrupted : EXIT_CODES.couldNotComplete)),
    );
  });
  signal.removeEventListener("abort", stop);
  return code;
}

function describeNextSteps(kept: string | undefined): string[] {
  return [
    "To do the same with a real account:",
    "",
    "  export MINIMAX_API_KEY=...",
    `  npx ${SUGGESTED_COMMANDS.embed()}`,
    `  npx ${SUGGESTED_COMMANDS.search()}`,
    "",
    `  npx ${SUGGESTED_COMMANDS.up()}          start the dashboard and workers`,
    `  npx ${SUGGESTED_COMMANDS.doctor()}      check what is configured and what is missing`,
    `  npx ${SUGGESTED_COMMANDS.simulate()}    run the simulator alone, with faults to inject`,
    ...(kept === undefined ? [] : ["", `The vectors are in ${kept}`]),
  ];
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
