import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Cluster, Redis } from "ioredis";

export type RedisClient = Redis | Cluster;
export type ScriptValue = string | number | Buffer;

export interface ScriptContract<K extends string, A extends string, R> {
  /** Names of KEYS, in order, as in the header of the Lua file. */
  readonly keys: readonly K[];
  /** Names of the fixed ARGV, in order; `rest` follows them. */
  readonly args: readonly A[];
  /** Files of Lua functions that are put before the script. */
  readonly include?: readonly URL[];
  /** Converts the reply; throws if it has an unexpected shape. */
  readonly parse: (reply: unknown) => R;
}

export interface Script<K extends string, A extends string, R> extends ScriptContract<K, A, R> {
  readonly source: string;
  run(
    client: RedisClient,
    keys: Readonly<Record<K, string>>,
    args: Readonly<Record<A, ScriptValue>>,
    rest?: readonly ScriptValue[],
  ): Promise<R>;
}

/** Lua functions that read the fields of a hash, and the server's clock as a clock that never runs backwards. */
export const SERVER_TIME_FUNCTIONS = new URL("server-time.lua", import.meta.url);

/**
 * Loads a Lua file that is called with named keys and arguments: by EVALSHA, or by EVAL if the server does not have the
 * script (first use, restart, SCRIPT FLUSH). Scripts must be idempotent, because ioredis sends a command again if its
 * reply was lost.
 */
export function defineScript<K extends string, A extends string, R>(
  file: URL,
  contract: ScriptContract<K, A, R>,
): Script<K, A, R> {
  const included = (contract.include ?? []).map((url) => readFileSync(url, "utf8")).join("");
  const source = included + readFileSync(file, "utf8");
  const sha = createHash("sha1").update(source).digest("hex");
  return {
    ...contract,
    source,
    async run(client, keys, args, rest = []) {
      const values: ScriptValue[] = [];
      for (const key of contract.keys) values.push(keys[key]);
      for (const arg of contract.args) values.push(args[arg]);
      for (const value of rest) values.push(value);
      const count = contract.keys.length;
      try {
        return contract.parse(await client.evalsha(sha, count, ...values));
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return contract.parse(await client.eval(source, count, ...values));
      }
    },
  };
}
