import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** The field without a translation, as a problem of its line. */
export function untranslatable(field: string, target = "a chat completion"): string {
  return `"${field}" has no counterpart in ${target}`;
}

/** The objects of a list; other entries are problems. */
export function readObjects(value: unknown, field: string, problems: string[]): readonly JsonObject[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return list.flatMap((entry, index) => {
    if (isObject(entry)) return [entry];
    problems.push(`"${field}[${index}]" must be an object`);
    return [];
  });
}

/** Without fields that are undefined, so that absent fields stay absent. */
export function definedFields(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
