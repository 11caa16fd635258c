import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { parse } from "yaml";
import { describeReadError } from "#src/core/describe-path.ts";
import { asRecord, type ForeignFile, readFileReference } from "./translation.ts";

/** The text of a file, or why it cannot be read. */
export function readReferencedText(path: string): string | { readonly problem: string } {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return { problem: `the file cannot be read: ${describeReadError(error)}` };
  }
}

/** The prompts of a spec: texts, and files with texts or chat messages. */
export function readPrompts({ content, folder, problems }: ForeignFile): object[] {
  const list = Array.isArray(content.prompts) ? content.prompts : [content.prompts];
  return list.flatMap((prompt, i) => {
    const path = Array.isArray(content.prompts) ? ["prompts", i] : ["prompts"];
    const { raw = prompt, label, id } = asRecord(prompt) ?? {};
    const source = asRecord(prompt) && !("raw" in { ...asRecord(prompt) }) ? id : raw;
    if (typeof source !== "string") {
      problems.add(path, "expected a text");
      return [];
    }
    const name = typeof label === "string" ? { name: label } : {};
    const reference =
      readFileReference(source) ?? (/^[\w./-]+\.(?:txt|json|ya?ml|md|js|mjs|ts|py)$/.test(source) ? source : undefined);
    if (reference === undefined) return toPrompts([source], name, (message) => problems.add(path, message));
    if (!/\.(?:txt|json|ya?ml|md)$/.test(reference)) {
      problems.add(
        path,
        `prompts are supported as texts and in .txt, .md, .json, and .yaml files, not ${extname(reference) || "in this file"}`,
      );
      return [];
    }
    const text = readReferencedText(resolve(folder, reference));
    if (typeof text !== "string") {
      problems.add(path, text.problem);
      return [];
    }
    const parts = reference.endsWith(".txt") ? text.split(/^---\s*$/m) : [text];
    return toPrompts(parts, parts.length === 1 ? name : {}, (message) => problems.add(path, message));
  });
}

function toPrompts(texts: readonly string[], name: object, report: (message: string) => void): object[] {
  return texts.flatMap((text) => {
    if (text.trim() === "") return [];
    const prompt = toPrompt(text.trim());
    if (typeof prompt !== "string") return [{ ...name, ...prompt }];
    report(prompt);
    return [];
  });
}

/** Chat messages as JSON or YAML, or a text; or what is not supported. */
function toPrompt(text: string): object | string {
  if (!/^(?:\[|- role:)/.test(text)) return { user: text };
  const list = parseList(text);
  if (list?.length && list.every((one) => typeof asRecord(one)?.role === "string")) return { messages: list };
  // A template may become messages, or more of them, only when it is rendered.
  return /\brole\b/.test(text) ? "chat messages that a template creates are not supported" : { user: text };
}

function parseList(text: string): unknown[] | undefined {
  try {
    const list: unknown = parse(text, { logLevel: "silent" });
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}
