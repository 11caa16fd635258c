import * as z from "zod";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import type { StoredItem } from "./reading/stored-item.ts";

/** An item's answer as it is stored. */
export interface ItemAnswer {
  /** Of a chat item: its text, or the whole answer as JSON. */
  readonly text?: string;
  readonly finishReason?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly vector?: Float32Array;
  readonly dimensions?: number;
  /** Epoch ms. */
  readonly recordedAt?: number;
}

/** The parts of a stored chat answer that are shown; a part of another form counts as absent. */
const chatAnswer = z.object({
  text: z.string().optional().catch(undefined),
  finishReason: z.object({ unified: z.string() }).optional().catch(undefined),
  usage: z
    .object({
      inputTokens: z.number().optional().catch(undefined),
      outputTokens: z.number().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** The answer of an item that succeeded, from the run's working folder or its output. */
export async function readItemAnswer(folder: RunFolder, item: StoredItem): Promise<ItemAnswer | undefined> {
  if (item.status !== "succeeded") return undefined;
  if (item.answer !== undefined) return { text: JSON.stringify(item.answer, null, 2) };
  if (!folder.hasDatabase) return { dimensions: folder.manifest.dimensions };
  using reader = new RunReader(folder.dir);
  const record = reader.find(item.index)?.record;
  if (!record) return undefined;
  if (record.answer !== undefined) return toItemAnswer(JSON.parse(record.answer), record.recordedAt);
  const vector = await reader.readVector(record);
  return { vector, dimensions: vector?.length, recordedAt: record.recordedAt };
}

function toItemAnswer(json: unknown, recordedAt: number): ItemAnswer {
  const { text, finishReason, usage } = chatAnswer.safeParse(json).data ?? {};
  return {
    recordedAt,
    text: text ?? JSON.stringify(json, null, 2),
    finishReason: finishReason?.unified,
    inputTokens: usage?.inputTokens,
    outputTokens: usage?.outputTokens,
  };
}
