import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { hasRedisServer } from "#test/support/redis/redis-process.ts";

const SCRIPT = fileURLToPath(new URL("../../../scripts/chaos.ts", import.meta.url));
/** Faults that need no long wait; `npm run chaos` injects all. */
const ROUNDS = ["kill-redis/batch", "flush-redis/embed", "full-redis/client", "bad-inputs/batch"];

test.skipIf(!hasRedisServer() || process.platform !== "linux")(
  "a chaos run with a fixed seed finds no lost, repeated, or wrong record, and no wrong count",
  async () => {
    const args = [SCRIPT, "--seed", "7", "--items", "120", "--only", ROUNDS.join(",")];
    const chaos = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [chaos.stdout, chaos.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const [code] = await once(chaos, "close");
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining("| held |") });
    expect(output.match(/\| held \|/g)).toHaveLength(ROUNDS.length);
  },
);
