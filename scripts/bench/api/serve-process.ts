// Starts `sluice serve` for a benchmark, with a private Redis, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, registerChild, removeFolder } from "../cleanup.ts";
import type { SimulatorProcess } from "../simulator-process.ts";
import { SLUICE } from "../sluice-command.ts";

export interface ServeProcess {
  /** "http://127.0.0.1:8788/v1" */
  readonly url: string;
  readonly folder: string;
  /** Environment of further commands in the folder. */
  readonly env: Readonly<Record<string, string>>;
  /** Resident memory of the server, without its workers, in bytes. */
  memory(): number;
  stop(): Promise<void>;
}

const LIMITS = { requestsPerMinute: 10_000_000, tokensPerMinute: 1_000_000_000, concurrency: 512 };

export async function startServeProcess(simulator: SimulatorProcess, workers: number): Promise<ServeProcess> {
  const folder = await makeFolder();
  const models = { "gpt-4o-mini": { limits: LIMITS } };
  await writeFile(join(folder, "sluice.yaml"), JSON.stringify({ providers: { openai: { models } } }));
  const env = { OPENAI_API_KEY: simulator.apiKey, OPENAI_BASE_URL: simulator.openaiUrl, REDIS_URL: "" };
  const child = registerChild(
    spawn(process.execPath, [SLUICE, "serve", "--port", "0", "--workers", String(workers)], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const url = await readUrl(child);
  return {
    url,
    folder,
    env,
    memory: () => readMemory(child.pid ?? 0),
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await exited;
      removeFolder(folder);
    },
  };
}

function readUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", () => reject(new Error(`sluice serve exited\n${text}`)));
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const url = /^API: (\S+)$/m.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

function readMemory(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
