// The simulator as a process of its own: told by its parent what to do, and telling it when calls came and what they cost.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SimulatorStatistics } from "#src/simulator/server/statistics.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { registerChild } from "./cleanup.ts";

export interface SimulatorReport {
  readonly statistics: SimulatorStatistics;
  /** When the first call since the last reset arrived, epoch ms. */
  readonly firstCallAt: number;
  /** Between the first and the last call that arrived since the last reset, in ms. */
  readonly spanMs: number;
  /** Since the last reset. */
  readonly cpuMs: number;
  /** Arrival of every call in ms since the first one, where asked for. */
  readonly arrivals: readonly number[];
}

export interface SimulatorProcess {
  readonly url: string;
  readonly openaiUrl: string;
  readonly apiKey: string;
  reset(): Promise<void>;
  report(): Promise<SimulatorReport>;
  stop(): Promise<void>;
}

type SimulatorRequest = "reset" | "report";

/** Starts a simulator in a process of its own; `options` must be plain data. */
export async function startSimulatorProcess(options: SimulatorOptions): Promise<SimulatorProcess> {
  const child = registerChild(
    fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    }),
  );
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      const exited = () => reject(new Error("the simulator ended"));
      child.once("exit", exited);
      child.once("message", (message) => {
        child.off("exit", exited);
        resolve(message as T);
      });
    });
  const sendRequest = <T>(params: SimulatorRequest) => {
    const answer = next<T>();
    child.send(params);
    return answer;
  };
  const { url, openaiUrl } = await next<Pick<Simulator, "url" | "openaiUrl">>();
  return {
    url,
    openaiUrl,
    apiKey: SIMULATOR_API_KEY,
    reset: () => sendRequest("reset"),
    report: () => sendRequest("report"),
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function serve(): Promise<void> {
  let first: number | undefined;
  let last = 0;
  let arrivals: number[] = [];
  const simulator = await startSimulator({
    ...(JSON.parse(process.argv[2] ?? "{}") as SimulatorOptions),
    onCall: () => {
      last = performance.now();
      first ??= last;
      if (arrivals.length < 5_000) arrivals.push(last - first);
    },
  });
  let cpuSince = process.cpuUsage();
  process.on("message", (params: SimulatorRequest) => {
    if (params === "reset") {
      simulator.resetStatistics();
      first = undefined;
      arrivals = [];
      cpuSince = process.cpuUsage();
      process.send?.("done");
      return;
    }
    const { user, system } = process.cpuUsage(cpuSince);
    const report: SimulatorReport = {
      statistics: simulator.statistics(),
      firstCallAt: performance.timeOrigin + (first ?? 0),
      spanMs: first === undefined ? 0 : last - first,
      cpuMs: (user + system) / 1000,
      arrivals,
    };
    process.send?.(report);
  });
  process.once("disconnect", () => process.exit(0));
  process.send?.({ url: simulator.url, openaiUrl: simulator.openaiUrl });
}

if (import.meta.main) await serve();
