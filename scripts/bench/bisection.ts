// Benchmark "bisection": calls that a run with bad inputs makes, compared with the minimum and with plain halving.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { halve } from "#src/workers/dispatch/bad-input-search.ts";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { measureProcess } from "./measure-process.ts";
import { type SimulatorProcess, startSimulatorProcess } from "./simulator-process.ts";
import { SLUICE } from "./sluice-command.ts";
import { formatMarkdownTable, formatRatio, number } from "./table.ts";

export interface BisectionOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface BisectionCase {
  readonly share: number;
  readonly inputsPerCall: number;
  readonly items: number;
  readonly bad: number;
  readonly made: number;
  /** Calls without which the bad inputs cannot be found, or the inputs do not fit. */
  readonly minimum: number;
  /** Calls of the strategy of earlier versions, computed for the same inputs. */
  readonly halving: number;
}

export type BisectionResult = readonly BisectionCase[];

const SHARES = [0.001, 0.01, 0.03, 0.1] as const;
const INPUTS_PER_CALL = [10, 64] as const;
const CONCURRENCY = 8;
const BAD_WORD = "forbidden";

export async function benchBisection({ quick, log }: BisectionOptions): Promise<BisectionResult> {
  const items = quick ? 2_000 : 10_000;
  const body = JSON.stringify({ error: { message: "the input is not allowed", type: "invalid_request_error" } });
  const simulator = await startSimulatorProcess({
    vectors: "fixed",
    faults: [{ action: { type: "status", status: 400, body }, text: BAD_WORD }],
  });
  try {
    const results: BisectionCase[] = [];
    for (const share of SHARES) {
      for (const inputsPerCall of INPUTS_PER_CALL) {
        const random = createSimulatorRandom(inputsPerCall);
        const isBad = Array.from({ length: items }, () => random() < share);
        const bad = isBad.filter(Boolean).length;
        const result = {
          ...{ share, inputsPerCall, items, bad },
          made: await countCalls(simulator, isBad, inputsPerCall),
          minimum: Math.ceil(Math.max(items * computeEntropy(bad / items), items / inputsPerCall)),
          halving: countHalvingCalls(isBad, inputsPerCall),
        };
        results.push(result);
        log(`${share * 100} %, ${inputsPerCall} per call: ${result.made} calls, minimum ${result.minimum}`);
      }
    }
    return results;
  } finally {
    await simulator.stop();
  }
}

/** Runs `sluice embed` and returns the calls that the simulator received. */
async function countCalls(
  simulator: SimulatorProcess,
  isBad: readonly boolean[],
  inputsPerCall: number,
): Promise<number> {
  const folder = await makeFolder();
  try {
    const lines = isBad.map((is, i) => JSON.stringify({ id: `t${i}`, text: `text ${i}${is ? ` ${BAD_WORD}` : ""}` }));
    await writeFile(join(folder, "texts.jsonl"), `${lines.join("\n")}\n`);
    const settings = { maxInputs: inputsPerCall, limits: { concurrency: CONCURRENCY } };
    const models = { "text-embedding-3-small": settings };
    await writeFile(
      join(folder, "sluice.yaml"),
      JSON.stringify({ providers: { openai: { models } }, run: { canaries: false } }),
    );
    await simulator.reset();
    const args = [
      "texts.jsonl",
      "--model",
      "openai/text-embedding-3-small",
      "--out",
      "out",
      "--workers",
      "1",
      "--json",
    ];
    const { stdout } = await measureProcess([SLUICE, "embed", ...args], {
      cwd: folder,
      env: {
        OPENAI_API_KEY: simulator.apiKey,
        OPENAI_BASE_URL: simulator.openaiUrl,
        REDIS_URL: "",
        HTTPS_PROXY: "",
        SLUICE_CONFIG: "",
      },
      // Some items failed.
      exitCode: 1,
    });
    const failed = Number(/"failed":(\d+)/.exec(stdout.slice(stdout.lastIndexOf('"event":"run-end"')))?.[1]);
    const bad = isBad.filter(Boolean).length;
    if (failed !== bad) throw new Error(`${failed} items failed, ${bad} expected`);
    return (await simulator.report()).statistics.calls;
  } finally {
    removeFolder(folder);
  }
}

/** Bits that are needed to say of one input whether it is bad. */
function computeEntropy(share: number): number {
  const other = 1 - share;
  return share === 0 ? 0 : -(share * Math.log2(share) + other * Math.log2(other));
}

/** A call that contains a bad input is refused, and both of its halves are called. */
function countHalvingCalls(isBad: readonly boolean[], inputsPerCall: number): number {
  const countCallsOf = (inputs: readonly boolean[]): number =>
    inputs.length === 1 || !inputs.includes(true)
      ? 1
      : halve(inputs).reduce((sum, half) => sum + countCallsOf(half), 1);
  let calls = 0;
  for (let i = 0; i < isBad.length; i += inputsPerCall) calls += countCallsOf(isBad.slice(i, i + inputsPerCall));
  return calls;
}

export function describeBisection(results: BisectionResult): string {
  return [
    `### Bad inputs: calls of "sluice embed" with ${number(results[0]?.items ?? 0)} texts, some of which the provider refuses`,
    "",
    formatMarkdownTable(
      ["bad inputs", "inputs per call", "minimum", "calls made", "relative to the minimum", "plain halving", "saved"],
      results.map(({ share, inputsPerCall, minimum, made, halving }) => [
        `${share * 100} %`,
        number(inputsPerCall),
        number(minimum),
        number(made),
        formatRatio(made / minimum),
        number(halving),
        `${((1 - made / halving) * 100).toFixed(1)} %`,
      ]),
    ),
    "",
    `One worker, ${CONCURRENCY} calls in flight. The minimum is the larger one of two bounds: the entropy of the inputs in bits, because a call yields at most one bit, and the number of full calls. No strategy reaches it, because bad inputs have to be called alone and calls cannot be larger. Plain halving, the strategy of earlier versions, is computed for the same texts.`,
  ].join("\n");
}
