import { z } from "zod";
import { fileSchema } from "./file-schema.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";
import type { SettingInfo } from "./value-schemas.ts";
import { VARIABLE_SCHEMAS, type VariableGroup } from "./variables.ts";

/** One setting for the documentation. */
export interface SettingReference {
  /** A variable ("REDIS_URL"), or a path in sluice.yaml: "[]" stands for any list position and "*" for any name. */
  readonly name: string;
  /** What a value looks like, such as "positive integer" or "burst or even". */
  readonly type: string;
  readonly default: string | undefined;
  readonly description: string;
}

/** Every environment variable that Sluice reads, by heading. */
export function listVariables(): { readonly group: VariableGroup; readonly variables: readonly SettingReference[] }[] {
  return Object.entries(VARIABLE_SCHEMAS).map(([group, schemas]) => ({
    group: group as VariableGroup,
    variables: Object.entries(schemas).map(([name, schema]) => toReference(name, schema)),
  }));
}

/**
 * Every setting of sluice.yaml. Settings that all providers share are listed once, under "providers.*"; a provider's own
 * settings are listed under its name.
 */
export function listFileSettings(): SettingReference[] {
  const settings = new Map<string, SettingReference>();
  for (const reference of collectSettings(fileSchema, "")) {
    const name = shareProviderPath(reference.name);
    // The default differs for each provider.
    const defaultValue = name === "providers.*.baseUrl" ? "the provider's public API" : reference.default;
    if (!settings.has(name)) settings.set(name, { ...reference, name, default: defaultValue });
  }
  return [...settings.values()];
}

function shareProviderPath(path: string): string {
  const [, provider = "", rest = ""] = /^providers\.([\w-]+)\.(.+)$/.exec(path) ?? [];
  const field = rest.replace("accounts[].", "");
  const isOwn = provider === "" || Object.hasOwn(PROVIDER_SETTINGS.get(provider)?.extra ?? {}, field);
  return isOwn ? path : `providers.*.${rest}`;
}

function collectSettings(schema: z.core.$ZodType, path: string): SettingReference[] {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  const join = (step: string) => (path === "" ? step : `${path}.${step}`);
  if (inner instanceof z.ZodObject) {
    return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([key, one]) => collectSettings(one, join(key)));
  }
  if (inner instanceof z.ZodArray) return collectSettings(inner.element, `${path}[]`);
  if (inner instanceof z.ZodRecord) return collectSettings(inner.valueType, join("*"));
  return [toReference(path, schema)];
}

function toReference(name: string, schema: z.core.$ZodType): SettingReference {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  // The builders of single values state the type on the inner schema; `setting` adds the rest to the outer one.
  const info: Partial<SettingInfo> = { ...z.globalRegistry.get(inner), ...z.globalRegistry.get(schema) };
  return { name, type: info.type ?? "text", default: info.default, description: info.description ?? "" };
}
