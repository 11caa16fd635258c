import type { EmbeddingRequest } from "#src/providers/provider.ts";

/** The fields of embedding calls that name the type of the values: Voyage and Mistral, and Jina. */
const TYPE_FIELDS = ["output_dtype", "embedding_type"];
/** Values per number of the model: binary vectors have eight of its dimensions in an integer. */
const INTEGER_TYPES: Readonly<Record<string, number>> = { int8: 1, uint8: 1, binary: 1 / 8, ubinary: 1 / 8 };

/** The integer type of the vectors that a call asks for; undefined for floats. */
export function findIntegerType(options: EmbeddingRequest["options"] = {}): string | undefined {
  const types = TYPE_FIELDS.map((field) => options[field]).filter((type) => typeof type === "string");
  return types.find((type) => Object.hasOwn(INTEGER_TYPES, type));
}

/** The numbers of a vector in the answer to a call, for a model with `dimensions`. */
export function countVectorValues(dimensions: number, options: EmbeddingRequest["options"]): number {
  return dimensions * (INTEGER_TYPES[findIntegerType(options) ?? ""] ?? 1);
}
