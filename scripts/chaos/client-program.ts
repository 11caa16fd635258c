// A program that submits chat items with the client and prints their records. It can be killed and started again.
import { readFileSync } from "node:fs";
import * as z from "zod";
import { UnknownItemError } from "#src/producer/client/client-error.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import { FAILED } from "./work.ts";

const MODEL = "minimax/MiniMax-Text-01";
const MAX_SUBMISSIONS = 20;

const itemList = z.array(z.object({ id: z.string(), text: z.string() }));

/** Submits an item until its record arrives: a Redis that has lost its data does not know the item any more. */
async function ask(client: SluiceClient, key: string, text: string): Promise<void> {
  for (let submission = 1; ; submission++) {
    const messages = [{ role: "user" as const, content: text }];
    const { id } = await client.submitChat({ model: MODEL, messages, idempotencyKey: key, priority: "bulk" });
    try {
      const record = await client.result(id);
      const answer = record.status === "ok" ? record.response.text : FAILED;
      process.stdout.write(`${JSON.stringify({ id: key, answer })}\n`);
      return;
    } catch (error) {
      if (!(error instanceof UnknownItemError) || submission === MAX_SUBMISSIONS) throw error;
    }
  }
}

if (import.meta.main) {
  const items = itemList.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
  const client = await createClient({ redisUrl: process.env.REDIS_URL ?? "" });
  await Promise.all(items.map(({ id, text }) => ask(client, id, text)));
  await client.close();
}
