import { fork } from "node:child_process"; import { once } from "node:events";
import { startBenchRedis } from "./scripts/bench/redis-server.ts";
import { createClient } from "./src/producer/client/create-client.ts";
const now = () => performance.timeOrigin + performance.now();
const redis = await startBenchRedis();
const w = fork("./ttfd-worker.ts", [redis.url], { stdio: ["ignore", "inherit", "inherit", "ipc"] }); await once(w, "message");
const client = await createClient({ redisUrl: redis.url, namespace: "ttfd" });
const gaps: Record<string, number[]> = {}; const add = (n: string, v: number) => (gaps[n] ??= []).push(v);
for (let i = 0; i < 250; i++) {
  const t0 = now(); const { id } = await client.submitChat({ model: "openai/m", messages: [{ role: "user", content: "hi" }], stream: true }); const t1 = now();
  let t2 = 0; for await (const e of client.stream(id)) { if (e.type === "delta" && !t2) t2 = now(); }
  w.send("take"); const [marks] = await once(w, "message") as any;
  if (i < 50) continue;
  add("submitted", t1 - t0); let last = t0; for (const [n, t] of marks) { add("->" + n, t - last); last = t; if (n === "written") break; } add("->read", t2 - last); add("TOTAL", t2 - t0);
  await new Promise((r) => setTimeout(r, 3));
}
for (const [n, v] of Object.entries(gaps)) { v.sort((a, b) => a - b); console.log(n.padEnd(14), v[v.length >> 1]!.toFixed(2), "p90", v[Math.floor(v.length * .9)]!.toFixed(2)); }
w.send("stop"); await once(w, "exit"); await client.close(); await redis.stop();
