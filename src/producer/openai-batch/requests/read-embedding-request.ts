import type { JsonObject } from "#src/providers/json-value.ts";
import { FieldReader } from "./read-fields.ts";

export interface EmbeddingBody {
  readonly model: string | undefined;
  readonly inputs: readonly string[];
  readonly dimensions: number | undefined;
  /** How the vectors are written. */
  readonly encoding: "float" | "base64";
}

/** Inputs of one request, as OpenAI limits them. */
const MAX_INPUTS = 2_048;

/** Reads the body of an embedding request in OpenAI's form, or says all that is wrong with it, quoting no text. */
export function readEmbeddingRequest(body: JsonObject): EmbeddingBody | { readonly problems: readonly string[] } {
  const fields = new FieldReader(body);
  const model = fields.text("model");
  const inputs = readInputs(fields);
  const dimensions = fields.integer("dimensions", 1);
  const encoding = fields.text("encoding_format") ?? "float";
  if (encoding !== "float" && encoding !== "base64")
    fields.addProblem("encoding_format", 'must be "float" or "base64"');
  // Names whoever asks; no embedding changes by it.
  fields.value("user");
  for (const other of fields.unreadFields()) fields.addProblem(other, "is not supported");
  if (fields.problems.length > 0) return { problems: fields.problems };
  return { model, inputs, dimensions, encoding: encoding === "base64" ? "base64" : "float" };
}

function readInputs(fields: FieldReader): readonly string[] {
  const input = fields.value("input");
  const texts = Array.isArray(input) ? input : [input];
  if (texts.some((text) => typeof text === "number" || Array.isArray(text))) {
    fields.addProblem("input", "must be text: numbers of tokens mean nothing to other vendors' models");
  } else if (texts.length === 0 || texts.length > MAX_INPUTS || texts.some((text) => typeof text !== "string")) {
    fields.addProblem("input", `must be a string or a list of 1 to ${MAX_INPUTS} strings`);
  } else if (texts.some((text) => text.trim() === "")) {
    fields.addProblem("input", "must have no empty text");
  } else if (texts.some((text) => !text.isWellFormed())) {
    fields.addProblem("input", "holds half a character");
  }
  return texts;
}
