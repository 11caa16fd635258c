// Runs the simulator in a child process that reports the arrival times and CPU time of its calls.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SimulatorStatistics } from "#src/simulator/server/statistics.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { registerChild } from "./cleanup.ts";

export interface SimulatorReport {
  readonly statistics: SimulatorStatistics;
  /** Arrival of the first call since the last reset, in epoch ms. */
  readonly firstCallAt: number;
  /** Time between the first and the last call since the last reset, in ms. */
  readonly spanMs: number;
  /** CPU time since the last reset. */
  readonly cpuMs: number;
  /** Arrivals of the first 5,000 calls, in ms after the first one. */
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

/** Starts a simulator in a child process. `options` must be serializable as JSON. */
export async function startSimulatorProcess(options: SimulatorOptions): Promise<SimulatorProcess> {
  const child = registerChild(
    fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    }),
  );
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      const exited = () => reject(new Error("the simulator exited"));
      child.once("exit", exited);
      child.once("message", (message) => {
        child.off("exit", exited);
        resolve(message as T);
      });
    });
  const sendRequest = <T>(params: SimulatorRequest) => {
    const response = next<T>();
    child.send(params);
    return response;
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
