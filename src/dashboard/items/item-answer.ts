import * as z from "zod";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { StoredItem } from "./reading/stored-item.ts";
import { StoredRecords } from "./reading/stored-records.ts";

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
  if (folder.itemsFile === undefined) return { dimensions: folder.manifest.dimensions };
  await using records = new StoredRecords(folder.dir);
  const [slot] = await records.slots(item.index, 1);
  if (!slot) return undefined;
  if (folder.manifest.kind === "embedding") {
    const vector = await records.vector(slot);
    return vector && { vector, dimensions: vector.length };
  }
  const logged = await records.answer(slot);
  return logged && toItemAnswer(logged.json, logged.storedAt * 1000);
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
