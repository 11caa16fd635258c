import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { PROVIDER_SETTINGS } from "#src/config/provider-settings.ts";
import { parseSettings } from "#src/config/settings-file.ts";
import { listFileSettings, listVariables } from "#src/config/settings-reference.ts";
import { KNOWN_VARIABLES } from "#src/config/variables.ts";

const root = join(import.meta.dirname, "../../..");
const env = readFileSync(join(root, ".env.example"), "utf8");
const yaml = readFileSync(join(root, "sluice.example.yaml"), "utf8");

/** Below these settings, users choose the names; the schema lists them as "*". */
const NAMED_FREELY = /^(providers\.[\w-]+\.models|api\.models|compatible|compatible\.\*\.(models|headers|query))$/;

function settingsOf(node: unknown, path: string): string[] {
  if (isMap(node)) {
    return node.items.flatMap(({ key, value }) => {
      const step = NAMED_FREELY.test(path) ? "*" : isScalar(key) ? String(key.value) : "?";
      return settingsOf(value, path === "" ? step : `${path}.${step}`);
    });
  }
  return isSeq(node) ? node.items.flatMap((one) => settingsOf(one, `${path}[]`)) : [path];
}

/** Settings of a provider that the example shows as comments, because they are alternatives to others. */
function commentedSettings(): string[] {
  let provider = "";
  return yaml.split("\n").flatMap((line) => {
    provider = /^ {2}([\w-]+):$/.exec(line)?.[1] ?? provider;
    const [, indent, key] = /^( {4,})# (\w+): \S+$/.exec(line) ?? [];
    if (indent === undefined) return [];
    return [`providers.${provider}.${indent.length === 4 ? "" : "accounts[]."}${key}`];
  });
}

/** Settings that all providers share are shown once, and a provider's own settings once for it. */
function withoutRepetition(setting: string): string {
  const [, provider = "", rest = ""] = /^providers\.([\w-]+)\.(.+)$/.exec(setting) ?? [];
  if (provider === "") return setting;
  const own = rest.replace("accounts[].", "");
  return Object.hasOwn(PROVIDER_SETTINGS.get(provider)?.extra ?? {}, own)
    ? `providers.${provider}.${own}`
    : `providers.*.${rest}`;
}

describe(".env.example", () => {
  it("lists exactly the variables that are read", () => {
    const documented = [...env.matchAll(/^([A-Z_]+)=(.*)$/gm)];
    expect(documented.map(([, name]) => name).sort()).toEqual([...KNOWN_VARIABLES].sort());
    expect(documented.filter(([, , value]) => value !== "")).toEqual([]);
  });
});

describe("the reference of the configuration", () => {
  const variables = listVariables().flatMap((group) => group.variables);

  it("lists every variable that is read, once", () => {
    expect(variables.map(({ name }) => name).sort()).toEqual([...KNOWN_VARIABLES].sort());
  });

  it("states the type and the meaning of every variable and setting", () => {
    const incomplete = [...variables, ...listFileSettings()].filter(
      ({ type, description }) => type === "" || !/^\S.*[^.\s]$/.test(description),
    );
    expect(incomplete).toEqual([]);
  });

  it("lists shared provider settings once, and a provider's own settings under its name", () => {
    const names = listFileSettings().map(({ name }) => name);
    expect(names.filter((name) => name.endsWith("requestsPerMinute"))).toEqual([
      "providers.*.accounts[].limits.requestsPerMinute",
      "providers.*.models.*.limits.requestsPerMinute",
      "compatible.*.models.*.limits.requestsPerMinute",
    ]);
    expect(names).toContain("providers.minimax.groupId");
  });
});

describe("sluice.example.yaml", () => {
  it("loads without problems", () => {
    const problems: string[] = [];
    parseSettings(yaml, "sluice.example.yaml", problems);
    expect(problems).toEqual([]);
  });

  it("shows exactly the existing settings, in use or as a comment", () => {
    const shown = [...settingsOf(parseDocument(yaml).contents, ""), ...commentedSettings()];
    const once = (settings: string[]) => [...new Set(settings.map(withoutRepetition))].sort();
    expect(once(shown)).toEqual(once(listFileSettings().map(({ name }) => name)));
  });
});
