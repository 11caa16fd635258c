import { z } from "zod";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { MODEL_NAME_PATTERN } from "#src/core/model-name.ts";

const date = z.string().regex(/^\d{4}(-\d{2}){0,2}$/);
/** 0 stands for "unknown" or "not applicable". */
const tokens = z.number().int().nonnegative();
/** US dollars per million tokens. */
const amount = z.number().nonnegative();

const rates = {
  input: amount.optional(),
  output: amount.optional(),
  cache_read: amount.optional(),
  cache_write: amount.optional(),
};

const catalogueModel = z.object({
  family: z.string().optional(),
  modalities: z.object({ input: z.array(z.string()), output: z.array(z.string()) }),
  limit: z.object({ context: tokens, input: tokens.optional(), output: tokens }),
  cost: z
    .object({
      ...rates,
      /** Rates of calls whose input has more than `size` tokens. */
      tiers: z.array(z.object({ ...rates, tier: z.object({ size: tokens }) })).optional(),
    })
    .optional(),
  release_date: date.optional(),
  status: z.enum(["alpha", "beta", "deprecated"]).optional().catch(undefined),
});
/** A model in the format of models.dev: the fields that Sluice uses. */
export type CatalogueModel = z.infer<typeof catalogueModel>;

const modelName = z.string().regex(MODEL_NAME_PATTERN, "not a name of a model");
const providerModels = z.object({ models: z.record(z.string(), z.unknown()) });
/** Models are parsed one by one, because a command looks up few of them. */
const providers = z.record(z.string(), z.object({ models: z.record(modelName, z.unknown()) }));

const catalogueFile = z.object({ source: z.string(), date: z.iso.date(), license: z.string(), providers });
/** The catalogue as Sluice stores it: some providers of models.dev, with source, date and licence. */
export type Catalogue = z.infer<typeof catalogueFile>;

/** A model of a stored catalogue; undefined if it is not there. */
export function findCatalogueModel(catalogue: Catalogue, provider: string, name: string): CatalogueModel | undefined {
  const { models = {} } = Object.hasOwn(catalogue.providers, provider) ? (catalogue.providers[provider] ?? {}) : {};
  return Object.hasOwn(models, name) ? catalogueModel.safeParse(models[name]).data : undefined;
}

/** Reads a stored catalogue. Throws an Error whose message names the first wrong field. */
export function parseCatalogue(text: string): Catalogue {
  return parseWith(catalogueFile, parseJson(text));
}

/**
 * Reads a file in the format of models.dev's `api.json`, and keeps the models of `names` that answer with text and the
 * fields that Sluice uses. Throws an Error whose message names the first wrong field, or says that no model is left.
 */
export function trimCatalogue(text: string, names: readonly string[]): Catalogue["providers"] {
  const all = parseWith(z.record(z.string(), z.unknown()), parseJson(text));
  const kept: Catalogue["providers"] = {};
  let count = 0;
  for (const name of names.toSorted()) {
    const { models: found } = parseWith(providerModels, all[name] ?? { models: {} }, name);
    const models = Object.entries(found)
      .filter(([id]) => MODEL_NAME_PATTERN.test(id))
      .map(([id, model]) => [id, parseWith(catalogueModel, model, `${name}.models.${id}`)] as const)
      .filter(([, { modalities }]) => modalities.input.includes("text") && modalities.output.includes("text"))
      .filter(([, { limit }]) => limit.context > 0);
    if (models.length > 0) kept[name] = { models: Object.fromEntries(models) };
    count += models.length;
  }
  if (count === 0) throw new Error(`it contains no model of ${names.join(", ")}`);
  return kept;
}

/** The text of a catalogue, with one model per line. */
export function formatCatalogue({ providers: list, ...head }: Catalogue): string {
  const parts = Object.entries(list).map(([name, { models }]) => {
    const lines = Object.entries(models).map(([id, model]) => `${JSON.stringify(id)}:${JSON.stringify(model)}`);
    return `${JSON.stringify(name)}:{"models":{\n${lines.join(",\n")}\n}}`;
  });
  return `${JSON.stringify(head).slice(0, -1)},\n"providers":{\n${parts.join(",\n")}\n}}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}

function parseWith<T>(schema: z.ZodType<T>, value: unknown, path?: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [path, ...(issue?.path ?? [])].filter((part) => part !== undefined).join(".");
  throw new Error(`${where === "" ? "it" : where.slice(0, 200)}: ${issue ? describeSchemaIssue(issue) : "invalid"}`);
}
