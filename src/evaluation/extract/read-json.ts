import { extractCode, stripDecoration } from "./text-extractors.ts";

/** The JSON value of a text: all of it, its longest code block, or its only object or array. Undefined if there is none. */
export function findJson(text: string): { readonly value: unknown } | undefined {
  const open = /[[{]/.exec(text);
  const candidates = [text, extractCode(text), stripDecoration(text)];
  if (open) candidates.push(text.slice(open.index, Math.max(text.lastIndexOf("}"), text.lastIndexOf("]")) + 1));
  for (const candidate of candidates) {
    try {
      return { value: JSON.parse(candidate) };
    } catch {
      // The next candidate.
    }
  }
  return undefined;
}
