import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import { startDemoDashboard } from "#src/cli/wiring/demo-dashboard.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { childEnvironment } from "#src/config/config.ts";
import { RunError } from "#src/core/errors.ts";
import type { Dashboard } from "#src/dashboard/start-dashboard.ts";
import { SIMULATOR_API_KEY, startSimulator } from "#src/simulator/simulator.ts";
import { describeDashboard, waitForAbort } from "./dashboard.ts";

export interface DemoCommandOptions {
  readonly keep: boolean;
  /** Leave the dashboard open afterwards, until Ctrl-C. */
  readonly stay: boolean;
}

/** What the simulated account may do; the run below is told the same, as a real one is told its account's limits. */
const LIMITS = { requestsPerMinute: 480, concurrency: 6 };
const ITEMS = 4_000;

const QUERIES = [
  "how do I set a timeout for a request",
  "parse a date in another time zone",
  "read a file line by line",
];

/**
 * `sluice demo`: the real commands, as a person would type them, against the simulator: private Redis, worker
 * processes, panel, files. Ends by itself and leaves nothing running.
 */
export async function runDemo(options: DemoCommandOptions): Promise<number> {
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
    const embed = [
      "embed",
      glob,
      "--model",
      model,
      "--out",
      out,
      "--with-text",
      "--limit",
      String(ITEMS),
      "--skip-invalid",
    ];
    const code = await run(embed);
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
      print("", `The dashboard stays open at ${dashboard.url}; Ctrl-C ends it.`);
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
    "Sluice demo: private Redis, worker processes, and a simulated provider that refuses more",
    `than ${LIMITS.requestsPerMinute} requests a minute or ${LIMITS.concurrency} at once. No key, no network.`,
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

/** The nearest node_modules: every installation has one, and it is full of Markdown. */
function findMarkdownFolder(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const candidate = join(dir, "node_modules");
    if (existsSync(candidate)) return candidate;
  }
  throw new RunError("there is no node_modules folder whose Markdown could be embedded", 'run "npm install" first');
}

/** Shows a command and runs it as a process of its own, in this terminal. */
async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  if (signal.aborted) return EXIT_CODES.interrupted;
  print(`$ sluice ${args.map((arg) => (/^[\w./:=@-]+$/.test(arg) ? arg : `"${arg}"`)).join(" ")}`);
  const entry = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { stdio: "inherit", env });
  // Ctrl-C reaches the child by itself where there is a terminal; a plain SIGTERM to this process does not.
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
    "The same with a real account:",
    "",
    "  export MINIMAX_API_KEY=...",
    "  npx sluice embed ./docs --model minimax/embo-01 --out ./vectors",
    '  npx sluice search ./vectors "..."',
    "",
    "  npx sluice up          dashboard and workers, until Ctrl-C",
    "  npx sluice doctor      what is configured, what is missing",
    "  npx sluice simulate    the simulator on its own, with faults to try",
    ...(kept === undefined ? [] : ["", `The vectors are in ${kept}`]),
  ];
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
