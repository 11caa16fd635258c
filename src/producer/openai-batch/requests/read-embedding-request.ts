import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import { FieldReader } from "./read-fields.ts";

export interface EmbeddingBody {
  readonly model: string | undefined;
  readonly inputs: readonly string[];
  readonly dimensions: number | undefined;
  /** Encoding of the vectors in the output. */
  readonly encoding: "float" | "base64";
  /** Further fields, if there are any, in the order of their names. */
  readonly options: JsonObject | undefined;
}

/** OpenAI's limit of inputs per request. */
const MAX_INPUTS = 2_048;

/** Reads the body of an embedding request in OpenAI's format, or returns all its problems. They quote no text. */
export function readEmbeddingRequest(body: JsonObject): EmbeddingBody | { readonly problems: readonly string[] } {
  const fields = new FieldReader(body);
  const model = fields.text("model");
  const inputs = readInputs(fields);
  const dimensions = fields.integer("dimensions", 1);
  const encoding = fields.text("encoding_format") ?? "float";
  if (encoding !== "float" && encoding !== "base64") fields.addProblem("encoding_format", FIELD_PROBLEMS.encoding);
  // The end user's id; it does not affect the embedding.
  fields.value("user");
  const others = fields.unreadFields().sort();
  const options = others.length > 0 ? Object.fromEntries(others.map((name) => [name, body[name]])) : undefined;
  if (fields.problems.length > 0) return { problems: fields.problems };
  return { model, inputs, dimensions, encoding: encoding === "base64" ? "base64" : "float", options };
}

function readInputs(fields: FieldReader): readonly string[] {
  const input = fields.value("input");
  const texts = Array.isArray(input) ? input : [input];
  if (texts.some((text) => typeof text === "number" || Array.isArray(text))) {
    fields.addProblem("input", FIELD_PROBLEMS.tokenInput);
  } else if (texts.length === 0 || texts.length > MAX_INPUTS || texts.some((text) => typeof text !== "string")) {
    fields.addProblem("input", FIELD_PROBLEMS.inputCount(MAX_INPUTS));
  } else if (texts.some((text) => text.trim() === "")) {
    fields.addProblem("input", FIELD_PROBLEMS.emptyInput);
  } else if (texts.some((text) => !text.isWellFormed())) {
    fields.addProblem("input", FIELD_PROBLEMS.unpairedSurrogate);
  }
  return texts;
}
