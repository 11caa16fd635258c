// Benchmark "codecs": CPU and memory per streamed delta and per embedding response, and many concurrent chat streams.
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

/** Milliseconds between deltas. 5: one delta per packet, as real models send them. 0: as fast as the simulator can. */
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

/** More than a measurement allocates, so that no garbage collection happens during it. */
const YOUNG_GENERATION_MB = 256;

function decodeAnswers(): Promise<DecodeResult> {
  return runChild(
    "decode-answers.ts",
    [],
    ["--expose-gc", `--min-semi-space-size=${YOUNG_GENERATION_MB}`, `--max-semi-space-size=${YOUNG_GENERATION_MB}`],
  );
}

async function runChild<T>(file: string, args: readonly string[], flags: readonly string[] = []): Promise<T> {
  const script = fileURLToPath(new URL(`contenders/${file}`, import.meta.url));
  const { stdout, exitCode } = await measureProcess([...flags, script, ...args]);
  if (exitCode !== 0) throw new Error(`${file} exited with code ${exitCode}`);
  return JSON.parse(stdout) as T;
}

export function describeCodecs({ decoding, streams, streamsPerRound }: CodecsResult): string {
  return [
    "### Codecs: decoding recorded responses, without a network",
    "",
    describeChats(decoding),
    "",
    describeEmbeddings(decoding),
    "",
    `Medians of ${decoding.length} processes, minimum and maximum in brackets. Chat: one request is encoded, and its 1,000 deltas are decoded from 16 KB chunks (WebSocket: 16 messages at a time) to events. Embedding: one request is encoded, and its response is decoded to float32. "Heap bytes" are allocations, all of them short-lived; the memory outside the heap holds the vectors.`,
    "",
    `### ${CONCURRENCY} concurrent chat streams in one process, against the simulator`,
    "",
    describeCodecStreams(streams, streamsPerRound),
    "",
    `${streamsPerRound.toLocaleString("en-US")} streams of ${Math.round((streams[0]?.deltas ?? 0) / streamsPerRound)} deltas per round; the clients take turns. CPU is measured in the client's process only. The simulator is a separate process on the same machine and limits the streams per second.`,
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
    ["embedding response", "floats", "µs per response", "ns per float", "heap bytes", "bytes outside the heap"],
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
    [
      "client",
      "delay between deltas",
      "deltas per CPU second",
      "relative to the SDK",
      "CPU ms per stream",
      "streams/s",
    ],
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
