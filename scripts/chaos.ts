// Runs Sluice under faults, checks every record and count, and prints a table.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { mix32 } from "#src/simulator/answers/random.ts";
import { cleanUpAtExit } from "./bench/cleanup.ts";
import { describeMachine, printMachine } from "./bench/machine.ts";
import { FAULTS } from "./chaos/faults.ts";
import { formatHead, formatResult } from "./chaos/report.ts";
import { runRound } from "./chaos/round.ts";
import { unmountAll } from "./chaos/small-disk.ts";
import { WORK_KINDS, type WorkKind } from "./chaos/work.ts";

const USAGE = `usage: npm run chaos -- [--seed N] [--minutes M] [--only FAULT[/KIND][,...]] [--items N]

Runs embed, batch, and client work against the simulator and a Redis of its own, injects faults, and compares every record
with the truth and the report with the simulator's counts. Prints a table to stdout and progress to stderr. Exits with
code 1 if something does not hold. Requires Linux (/proc) and redis-server.

Faults: ${FAULTS.map(({ name }) => name).join(", ")}
Kinds:  ${WORK_KINDS.join(", ")}

Options:
  --seed N       decides the items, and what is injected when (default: random)
  --minutes M    repeat all rounds with further seeds until so many minutes have passed (default: one pass)
  --only LIST    only these faults, or only one kind of work: kill-redis/batch
  --items N      items per round (default: 900 for embed, 300 for batch, 150 for client)
  -h, --help     show this help
`;

/** Only ends a round that hangs; the slowest one takes about a minute. */
const ROUND_TIMEOUT_MS = 300_000;

interface PlannedRound {
  readonly fault: (typeof FAULTS)[number];
  readonly kind: WorkKind;
}

function planRounds(only: string | undefined): PlannedRound[] {
  const all = FAULTS.flatMap((fault) => fault.kinds.map((kind) => ({ fault, kind })));
  if (only === undefined) return all;
  const names = only.split(",");
  const matches = ({ fault, kind }: PlannedRound, name: string) =>
    name === fault.name || name === `${fault.name}/${kind}` || name === kind;
  const unknown = names.filter((name) => !all.some((round) => matches(round, name)));
  if (unknown.length > 0) throw new Error(`unknown fault: ${unknown.join(", ")}\n\n${USAGE}`);
  return all.filter((round) => names.some((name) => matches(round, name)));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "0" },
      only: { type: "string" },
      items: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const rounds = planRounds(values.only);
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  const minutes = Number(values.minutes);
  const all = values.items === undefined ? undefined : Number(values.items);
  if (![seed, minutes, all ?? 1].every((value) => Number.isFinite(value) && value >= 0))
    throw new Error(`--seed, --minutes, and --items are numbers\n\n${USAGE}`);
  cleanUpAtExit();
  process.on("exit", unmountAll);
  process.stdout.write(`${printMachine(describeMachine(loadavg()[0] ?? 0))}\nSeed ${seed}.\n\n${formatHead()}\n`);
  const items = { embed: all ?? 900, batch: all ?? 300, client: all ?? 150 };
  const deadline = performance.now() + minutes * 60_000;
  for (let pass = 0; pass === 0 || performance.now() < deadline; pass++) {
    const passSeed = pass === 0 ? seed : mix32(seed + pass);
    for (const { fault, kind } of rounds) {
      if (pass > 0 && performance.now() >= deadline) break;
      const result = await runRound({ fault, kind, seed: passSeed, items, timeoutMs: ROUND_TIMEOUT_MS });
      process.stdout.write(`${formatResult(result)}\n`);
      const verdict = result.violations.length === 0 ? "held" : `VIOLATED: ${result.violations.join("; ")}`;
      process.stderr.write(`${fault.name}/${kind}: ${verdict}, ${Math.round(result.durationMs / 1_000)} s\n`);
      if (result.violations.length === 0) continue;
      process.exitCode = 1;
      const again = all === undefined ? "" : ` --items ${all}`;
      process.stderr.write(`  repeat: npm run chaos -- --seed ${passSeed} --only ${fault.name}/${kind}${again}\n`);
    }
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
