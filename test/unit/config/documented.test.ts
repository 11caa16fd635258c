import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { fileSchema } from "../../../src/config/file-schema.ts";
import { listSettings } from "../../../src/config/problems.ts";
import { parseSettings } from "../../../src/config/settings-file.ts";
import { KNOWN_VARIABLES } from "../../../src/config/variables.ts";

const root = join(import.meta.dirname, "../../..");
const env = readFileSync(join(root, ".env.example"), "utf8");
const yaml = readFileSync(join(root, "sluice.example.yaml"), "utf8");

/** Names in the tree are free below these settings; the schema lists them as "*". */
const NAMED_FREELY = new Set(["providers.minimax.models"]);

function settingsOf(node: unknown, path: string): string[] {
  if (isMap(node)) {
    return node.items.flatMap(({ key, value }) => {
      const step = NAMED_FREELY.has(path) ? "*" : isScalar(key) ? String(key.value) : "?";
      return settingsOf(value, path === "" ? step : `${path}.${step}`);
    });
  }
  return isSeq(node) ? node.items.flatMap((one) => settingsOf(one, `${path}[]`)) : [path];
}

describe(".env.example", () => {
  it("lists every variable that is read, and no other", () => {
    const documented = [...env.matchAll(/^([A-Z_]+)=(.*)$/gm)];
    expect(documented.map(([, name]) => name).sort()).toEqual([...KNOWN_VARIABLES].sort());
    expect(documented.filter(([, , value]) => value !== "")).toEqual([]);
  });
});

describe("sluice.example.yaml", () => {
  it("loads without a problem", () => {
    const problems: string[] = [];
    parseSettings(yaml, "sluice.example.yaml", problems);
    expect(problems).toEqual([]);
  });

  it("shows every setting there is, in use or as a comment, and no other", () => {
    const alternatives = [...yaml.matchAll(/^( +)# (apiKey|apiKeyEnv|groupId): \S+$/gm)].map(
      ([, indent, key]) =>
        indent?.length === 4 ? `providers.minimax.${key}` : `providers.minimax.accounts[].${key}`,
    );
    const shown = new Set([...settingsOf(parseDocument(yaml).contents, ""), ...alternatives]);
    expect([...shown].sort()).toEqual(listSettings(fileSchema).sort());
  });
});
