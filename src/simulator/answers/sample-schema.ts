import { asObject } from "#src/simulator/server/endpoint.ts";

/** A small value that fits a JSON Schema, as a model with structured output would give it. `text` fills strings. */
export function sampleSchema(schema: unknown, text: string): unknown {
  const { type, properties, items, enum: choices, const: constant } = asObject(schema) ?? {};
  if (constant !== undefined) return constant;
  if (Array.isArray(choices)) return choices[0];
  const [kind] = Array.isArray(type) ? type : [type];
  switch (String(kind).toLowerCase()) {
    case "object":
      return Object.fromEntries(
        Object.entries(asObject(properties) ?? {}).map(([name, value]) => [name, sampleSchema(value, text)]),
      );
    case "array":
      return [sampleSchema(items, text)];
    case "integer":
    case "number":
      return text.length;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text;
  }
}
