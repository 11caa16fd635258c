import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { RecordCall } from "#src/state/records/record-codec.ts";
import type { JournalEntry } from "#src/state/runs/run-journal.ts";
import { toSummary } from "./find-items.ts";
import type { AttemptView, ItemHistory, MaskedText, RevealedItem } from "./item-api.ts";
import type { StoredItem } from "./stored-item.ts";
import { StoredRecords } from "./stored-records.ts";

/** An item's answer as it is stored. */
export interface StoredAnswer {
  /** Of a chat item; as JSON or as its text. */
  readonly text?: string;
  readonly finishReason?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly vector?: Float32Array;
  readonly dimensions?: number;
  /** Epoch ms. */
  readonly recordedAt?: number;
}

/** Longer texts are cut when they are shown. */
const SHOWN_CHARACTERS = 256 * 1024;
const SHOWN_FLOATS = 32;

/** What became of an item, without any of its texts. Pure. */
export function describeItemHistory(
  item: StoredItem,
  answer: StoredAnswer | undefined,
  calls: { readonly failed: readonly JournalEntry[]; readonly answered: RecordCall | undefined },
  about: { readonly at: number; readonly run: string; readonly model: string },
): ItemHistory {
  const origin = findOrigin(item);
  const model = item.model ?? about.model;
  const { finishReason, inputTokens, outputTokens, dimensions, recordedAt } = answer ?? {};
  return {
    ...toSummary(item),
    at: about.at,
    run: about.run,
    ...(model === "" ? {} : { model }),
    ...(origin === undefined ? {} : { origin }),
    ...(recordedAt === undefined ? {} : { recordedAt }),
    ...(item.status === "succeeded"
      ? {
          answer: {
            finishReason,
            inputTokens,
            outputTokens,
            dimensions,
          },
        }
      : {}),
    history: describeAttempts(item, calls.failed, calls.answered),
    request: mask(item.text, {
      absentReason: "The output of this run holds no texts, and its plan is gone.",
      absentCode: "not-kept",
    }),
    response: maskAnswer(item, answer),
  };
}

/** The texts of an item, cut where they are too long to show. Pure. */
export function revealItem(item: StoredItem, answer: StoredAnswer | undefined): RevealedItem {
  const response = answer?.text ?? (answer?.vector ? showVector(answer.vector) : undefined);
  return {
    request: item.text === undefined ? undefined : cut(prettify(item.text)),
    response: response === undefined ? undefined : cut(response),
  };
}

/** The answer of an item that has one, from the run's working folder or its output. */
export async function readAnswer(folder: RunFolder, item: StoredItem): Promise<StoredAnswer | undefined> {
  if (item.status !== "succeeded") return undefined;
  if (item.answer !== undefined) return { text: JSON.stringify(item.answer, null, 2) };
  if (folder.itemsFile === undefined) {
    const { dimensions } = folder.manifest;
    return dimensions === undefined ? {} : { dimensions };
  }
  await using records = new StoredRecords(folder.dir);
  const [slot] = await records.slots(item.index, 1);
  if (!slot) return undefined;
  if (folder.manifest.kind === "embedding") {
    const vector = await records.vector(slot);
    return vector ? { vector, dimensions: vector.length } : undefined;
  }
  const logged = await records.answer(slot);
  return logged && readChatAnswer(logged.json, logged.storedAt * 1000);
}

function readChatAnswer(json: unknown, recordedAt: number): StoredAnswer {
  const { text, finishReason, usage } = (json ?? {}) as Partial<ChatResponse>;
  return {
    recordedAt,
    text: typeof text === "string" ? text : JSON.stringify(json, null, 2),
    finishReason: finishReason?.unified === undefined ? undefined : finishReason.unified,
    inputTokens: typeof usage?.inputTokens === "number" ? usage.inputTokens : undefined,
    outputTokens: typeof usage?.outputTokens === "number" ? usage.outputTokens : undefined,
  };
}

/** Failed attempts as they were noted, in the order they began, then the one that gave the record. */
function describeAttempts(
  item: StoredItem,
  journal: readonly JournalEntry[],
  answered: RecordCall | undefined,
): AttemptView[] {
  const failed = journal
    .map(
      ({ attempt, at, startedAt, durationMs, worker, lane, kind, message, code }): AttemptView => ({
        number: attempt,
        at: startedAt ?? at - durationMs,
        durationMs,
        lane,
        worker: worker === "" ? undefined : worker,
        outcome: kind === "throttled" || kind === "overloaded" ? "throttled" : "failed",
        failure: code === undefined ? { kind, message } : { kind, message, code },
      }),
    )
    .sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  // Nobody was asked for a copy, or for what the cache had; the lines of a finished batch do not count attempts.
  const number = item.attempts ?? (answered && failed.filter(isAttempt).length + 1);
  if (item.status !== "succeeded" || !number) return failed;
  const { lane = "", startedAt, durationMs } = answered ?? {};
  const last: AttemptView = {
    number,
    at: startedAt,
    durationMs,
    lane: lane === "" ? undefined : lane,
    outcome: "succeeded",
  };
  return [...failed, last];
}

/** A call that was told to wait is none. */
function isAttempt({ outcome }: AttemptView): boolean {
  return outcome !== "throttled";
}

function maskAnswer({ status }: StoredItem, answer: StoredAnswer | undefined): MaskedText {
  if (status === "waiting") return { absentReason: "There is no answer yet.", absentCode: "not-answered" };
  if (status === "failed") return { absentReason: "The item failed; there is no answer.", absentCode: "failed" };
  if (answer?.vector) return { characters: showVector(answer.vector).length };
  return mask(answer?.text, {
    absentReason: "The answer is a vector in the run's output.",
    absentCode: "vector",
  });
}

function mask(text: string | undefined, absentReason: MaskedText): MaskedText {
  return text === undefined ? absentReason : { characters: text.length };
}

function cut(text: string): { readonly text: string; readonly cut?: number } {
  if (text.length <= SHOWN_CHARACTERS) return { text };
  return { text: text.slice(0, SHOWN_CHARACTERS), cut: text.length - SHOWN_CHARACTERS };
}

/** Requests are stored as JSON in one line, which nobody can read. */
function prettify(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function showVector(vector: Float32Array): string {
  const shown = Array.from(vector.subarray(0, SHOWN_FLOATS), (value) => value.toPrecision(6));
  return `[${shown.join(", ")}${vector.length > SHOWN_FLOATS ? ", ..." : ""}] (${vector.length} floats)`;
}

/** Sources leave their file name, and where in it, in the metadata of an item. */
function findOrigin({ metadata }: StoredItem): string | undefined {
  for (const name of ["path", "file", "source"]) {
    const value = metadata?.[name];
    if (typeof value === "string" && value !== "") return value.slice(0, 500);
  }
  return undefined;
}
