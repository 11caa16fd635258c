import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import { findIntegerType } from "#src/providers/vectors/value-type.ts";
import { FieldReader } from "./read-fields.ts";

export interface EmbeddingBody {
  readonly model: string | undefined;
  readonly inputs: readonly string[];
  /** The inputs are lists of token ids as JSON, with these numbers of tokens. */
  readonly tokenIds: true | undefined;
  readonly partTokens: readonly number[] | undefined;
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
  const { inputs, partTokens } = readInputs(fields);
  const tokenIds = partTokens && true;
  const dimensions = fields.integer("dimensions", 1);
  const encoding = fields.text("encoding_format") ?? "float";
  if (encoding !== "float" && encoding !== "base64") fields.addProblem("encoding_format", FIELD_PROBLEMS.encoding);
  // The end user's id; it does not affect the embedding.
  fields.value("user");
  const others = fields.unreadFields().sort();
  const options = others.length > 0 ? Object.fromEntries(others.map((name) => [name, body[name]])) : undefined;
  if (encoding === "base64" && findIntegerType(options) !== undefined)
    fields.addProblem("encoding_format", FIELD_PROBLEMS.integerEncoding);
  if (fields.problems.length > 0) return { problems: fields.problems };
  const output = encoding === "base64" ? ("base64" as const) : ("float" as const);
  return { model, inputs, tokenIds, partTokens, dimensions, encoding: output, options };
}

/** The texts, or the lists of token ids as JSON with their lengths. */
function readInputs(fields: FieldReader): Pick<EmbeddingBody, "inputs" | "partTokens"> {
  const input = fields.value("input");
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (list.some((entry) => typeof entry === "number" || Array.isArray(entry))) {
    const ids = Array.isArray(list[0]) ? list : [list];
    if (!ids.every(isTokenIds)) fields.addProblem("input", FIELD_PROBLEMS.tokenInput);
    else if (ids.length > MAX_INPUTS) fields.addProblem("input", FIELD_PROBLEMS.inputCount(MAX_INPUTS));
    else return { inputs: ids.map((each) => JSON.stringify(each)), partTokens: ids.map((each) => each.length) };
    return { inputs: [], partTokens: undefined };
  }
  const texts = list.filter((text) => typeof text === "string");
  if (texts.length === 0 || list.length > MAX_INPUTS || texts.length < list.length) {
    fields.addProblem("input", FIELD_PROBLEMS.inputCount(MAX_INPUTS));
  } else if (texts.some((text) => text.trim() === "")) {
    fields.addProblem("input", FIELD_PROBLEMS.emptyInput);
  } else if (texts.some((text) => !text.isWellFormed())) {
    fields.addProblem("input", FIELD_PROBLEMS.unpairedSurrogate);
  }
  return { inputs: texts, partTokens: undefined };
}

function isTokenIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0);
}
