import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { RunError } from "#src/core/failures/errors.ts";
import { ITEM_SOURCE } from "#src/producer/storage/item-rows.ts";
import { openRunDatabaseReader } from "#src/producer/storage/run-database.ts";

const SELECT_REQUESTS = `SELECT i.id, coalesce(i.text, original.text) AS text FROM ${ITEM_SOURCE} ORDER BY i."index"`;
const requestSchema = z.object({ id: z.string(), text: z.string() });
const messagesSchema = z.object({ messages: z.array(z.object({ role: z.string(), content: z.unknown() })) });

/** Finds the questions of samples, which must be asked for in the order of the plan. */
export class QuestionReader {
  readonly #database: DatabaseSync;
  readonly #requests: Iterator<unknown>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#requests = database.prepare(SELECT_REQUESTS).iterate();
  }

  /** Undefined if the run has no database any more, or a damaged one. */
  static open(dir: string): QuestionReader | undefined {
    try {
      return new QuestionReader(openRunDatabaseReader(dir));
    } catch (error) {
      if (error instanceof RunError) return undefined;
      throw error;
    }
  }

  /** The last message of the user in the request of the sample with this id; undefined if there is none. */
  find(id: string): string | undefined {
    for (;;) {
      const { value, done } = this.#requests.next();
      if (done) return undefined;
      const request = requestSchema.parse(value);
      if (request.id === id) return readLastQuestion(request.text);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function readLastQuestion(request: string): string | undefined {
  const { messages } = messagesSchema.parse(JSON.parse(request));
  const content = messages.findLast(({ role }) => role === "user")?.content;
  if (typeof content === "string" || content === undefined) return content;
  return z
    .array(z.object({ type: z.string(), text: z.string().optional() }))
    .parse(content)
    .map(({ type, text }) => text ?? `[${type}]`)
    .join("\n");
}
