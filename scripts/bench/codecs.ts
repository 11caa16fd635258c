// Codecs: what a streamed delta and an embedding answer cost in CPU and memory, and many chat streams at once.
import { fileURLToPath } from "node:url";
import type { CodecCost, DecodeResult } from "./contenders/decode-answers.ts";
import type { ChatClient, StreamParams, StreamResult } from "./contenders/stream-chats.ts";
import { measureProcess } from "./measure-process.ts";
import { startSimulatorProcess } from "./simulator-process.ts";
import { computeSpread, formatMarkdownTable, formatRatio, formatSpread, number } from "./table.ts";

export interface CodecsOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

/** One increment per packet, as models send them, or as fast as the simulator can. */
const PACES = [0, 5] as const;
const CLIENTS: readonly ChatClient[] = ["sluice", "openai SDK"];
const CONCURRENCY = 200;

interface StreamRun extends StreamResult {
  readonly client: ChatClient;
  readonly paceMs: number;
}

export interface CodecsResult {
  readonly decoding: readonly DecodeResult[];
  readonly streams: readonly StreamRun[];
  readonly streamsPerRound: number;
}

export async function benchCodecs({ quick, log }: CodecsOptions): Promise<CodecsResult> {
  const rounds = quick ? 2 : 5;
  const decoding: DecodeResult[] = [];
  for (let round = 0; round < rounds; round++) {
    decoding.push(await decodeAnswers());
    log(`decoding, round ${round + 1} of ${rounds}`);
  }
  const streamsPerRound = quick ? 1_000 : 2_000;
  const streams: StreamRun[] = [];
  for (const paceMs of PACES) {
    const simulator = await startSimulatorProcess({ deltaMs: paceMs });
    try {
      for (let round = 0; round < rounds; round++) {
        for (const client of CLIENTS) {
          const params: StreamParams = {
            client,
            url: simulator.openaiUrl,
            apiKey: simulator.apiKey,
            streams: streamsPerRound,
            concurrency: CONCURRENCY,
          };
          const result = await runChild<StreamResult>("stream-chats.ts", [JSON.stringify(params)]);
          streams.push({ client, paceMs, ...result });
          log(
            `${client}, ${paceMs} ms between deltas: ${number((result.deltas / result.cpuMs) * 1000)} deltas per CPU second`,
          );
        }
      }
    } finally {
      await simulator.stop();
    }
  }
  return { decoding, streams, streamsPerRound };
}

/** In megabytes: more than a measurement allocates. */
const YOUNG_GENERATION = 256;

function decodeAnswers(): Promise<DecodeResult> {
  return runChild(
    "decode-answers.ts",
    [],
    ["--expose-gc", `--min-semi-space-size=${YOUNG_GENERATION}`, `--max-semi-space-size=${YOUNG_GENERATION}`],
  );
}

async function runChild<T>(file: string, args: readonly string[], flags: readonly string[] = []): Promise<T> {
  const script = fileURLToPath(new URL(`contenders/${file}`, import.meta.url));
  const { stdout, exitCode } = await measureProcess([...flags, script, ...args]);
  if (exitCode !== 0) throw new Error(`${file} ended with ${exitCode}`);
  return JSON.parse(stdout) as T;
}

export function describeCodecs({ decoding, streams, streamsPerRound }: CodecsResult): string {
  return [
    "### Codecs: decoding recorded answers, without a network",
    "",
    describeChats(decoding),
    "",
    describeEmbeddings(decoding),
    "",
    `Medians of ${decoding.length} processes, lowest and highest in brackets. A chat call is encoded and its 1,000 increments are decoded, from bytes in chunks of 16 KB (WebSocket: 16 messages at a time) to events; an embedding call is encoded and its answer decoded into float32. Heap is what was allocated, all of it short-lived; outside are the vectors.`,
    "",
    `### ${CONCURRENCY} chat streams at once in one process, against the simulator`,
    "",
    describeCodecStreams(streams, streamsPerRound),
    "",
    `${streamsPerRound.toLocaleString("en-US")} streams of ${Math.round((streams[0]?.deltas ?? 0) / streamsPerRound)} increments a round, clients in turn. CPU is that of the client's process; the simulator is a process of its own on the same machine, and is what limits streams per second.`,
  ].join("\n");
}

function describeChats(decoding: readonly DecodeResult[]): string {
  const names = decoding[0]?.chats.map(({ name }) => name) ?? [];
  const costs = (name: string) => decoding.flatMap(({ chats }) => chats.filter((one) => one.name === name));
  return formatMarkdownTable(
    ["chat", "µs per delta", "deltas/s", "heap bytes per delta"],
    names.map((name) => {
      const micros = costs(name).map((cost) => cost.micros);
      return [
        name,
        formatSpread(micros),
        Math.round(1e6 / computeSpread(micros).median).toLocaleString("en-US"),
        Math.round(medianOf(costs(name), "heapBytes")).toLocaleString("en-US"),
      ];
    }),
  );
}

function describeEmbeddings(decoding: readonly DecodeResult[]): string {
  const first = decoding[0]?.embeddings ?? [];
  const costs = (name: string) => decoding.flatMap(({ embeddings }) => embeddings.filter((one) => one.name === name));
  return formatMarkdownTable(
    ["embedding answer", "floats", "µs per answer", "ns per float", "heap bytes", "outside the heap"],
    first.map(({ name, floats }) => {
      const micros = costs(name).map((cost) => cost.micros);
      return [
        name,
        floats.toLocaleString("en-US"),
        formatSpread(micros),
        number((computeSpread(micros).median * 1000) / floats),
        Math.round(medianOf(costs(name), "heapBytes")).toLocaleString("en-US"),
        Math.round(medianOf(costs(name), "externalBytes")).toLocaleString("en-US"),
      ];
    }),
  );
}

function describeCodecStreams(streams: readonly StreamRun[], streamsPerRound: number): string {
  const perCpuSecond = (paceMs: number, client: ChatClient) =>
    streams
      .filter((run) => run.paceMs === paceMs && run.client === client)
      .map(({ deltas, cpuMs }) => (deltas / cpuMs) * 1000);
  return formatMarkdownTable(
    ["client", "between deltas", "deltas per CPU second", "against the SDK", "CPU ms per stream", "streams/s"],
    PACES.flatMap((paceMs) =>
      CLIENTS.map((client) => {
        const runs = streams.filter((run) => run.paceMs === paceMs && run.client === client);
        const speed = perCpuSecond(paceMs, client);
        const sdk = computeSpread(perCpuSecond(paceMs, "openai SDK")).median;
        return [
          client,
          paceMs === 0 ? "none" : `${paceMs} ms`,
          formatSpread(speed),
          formatRatio(computeSpread(speed).median / sdk),
          number(computeSpread(runs.map(({ cpuMs }) => cpuMs / streamsPerRound)).median),
          number(computeSpread(runs.map(({ wallMs }) => (streamsPerRound / wallMs) * 1000)).median),
        ];
      }),
    ),
  );
}

function medianOf(costs: readonly CodecCost[], metric: "heapBytes" | "externalBytes"): number {
  return computeSpread(costs.map((cost) => cost[metric])).median;
}
