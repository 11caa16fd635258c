import { z } from "zod";
import { baseUrlSchema, extraSchema } from "./provider-schemas.ts";
import { PROVIDER_SETTINGS, type ProviderSettings } from "./provider-settings.ts";
import {
  amount,
  baseUrl,
  choice,
  currency,
  duration,
  logLevel,
  positiveInteger,
  redisUrl,
  shortName,
  text,
  variableName,
  workerCount,
} from "./value-schemas.ts";

const apiKey = text("expected the key as text");

const limits = z.strictObject({
  requestsPerMinute: positiveInteger,
  tokensPerMinute: positiveInteger,
  concurrency: positiveInteger,
  pacing: choice(["burst", "even"]),
});

const price = z.strictObject({
  inputPerMillionTokens: amount,
  outputPerMillionTokens: amount,
  // Money without a unit says nothing, so this one is required.
  currency: currency.unwrap(),
});

const model = z.strictObject({ limits: limits.optional(), price: price.optional() });

const accountShape = {
  name: shortName.unwrap(),
  apiKey,
  apiKeyEnv: variableName,
  baseUrl,
  limits: limits.optional(),
};
const providerShape = { apiKey, apiKeyEnv: variableName, baseUrl };

/** The provider's own parts of an account (`groupId`), which the table of providers names. */
function extraShape(settings: ProviderSettings) {
  return Object.fromEntries(Object.entries(settings.extra).map(([field, { form }]) => [field, extraSchema(form)]));
}

function provider(settings: ProviderSettings) {
  const own = { ...extraShape(settings), baseUrl: baseUrlSchema(settings) };
  return z.strictObject({
    ...providerShape,
    ...own,
    accounts: z.array(z.strictObject({ ...accountShape, ...own })).optional(),
    models: z.record(z.string(), model).optional(),
  });
}

type Settings<Shape extends z.core.$ZodShape> = z.infer<z.ZodObject<Shape>>;
export type AccountSettings = Settings<typeof accountShape>;
export type ProviderFileSettings = Settings<typeof providerShape> & {
  readonly accounts?: readonly AccountSettings[] | undefined;
  readonly models?: Readonly<Record<string, z.infer<typeof model>>> | undefined;
};

const providerShapes: Record<string, z.ZodOptional<z.ZodType<ProviderFileSettings>>> = Object.fromEntries(
  [...PROVIDER_SETTINGS].map(([name, settings]) => [name, provider(settings).optional()]),
);

const definedModel = z.strictObject({
  kind: choice(["chat", "embedding"]).unwrap(),
  dimensions: positiveInteger,
  maxInputs: positiveInteger,
  maxTokens: positiveInteger,
  maxOutputTokens: positiveInteger,
  limits: limits.optional(),
  price: price.optional(),
});

/** An OpenAI-compatible provider that only this installation knows. */
const definedProvider = z.strictObject({
  baseUrl: baseUrl.unwrap(),
  apiKey,
  apiKeyEnv: variableName,
  encoding: choice(["float", "base64"]),
  models: z.record(z.string(), definedModel),
});

/** Everything sluice.yaml may hold. */
export const fileSchema = z.strictObject({
  redis: z.strictObject({ url: redisUrl, server: text("expected the path of a redis-server") }).optional(),
  providers: z.strictObject(providerShapes).optional(),
  compatible: z.record(z.string(), definedProvider).optional(),
  run: z.strictObject({ window: positiveInteger, workers: workerCount }).optional(),
  worker: z.strictObject({ jobs: positiveInteger, calls: positiveInteger, grace: duration }).optional(),
  log: z.strictObject({ level: logLevel }).optional(),
});
export type FileSettings = z.infer<typeof fileSchema>;
export type DefinedProviderSettings = z.infer<typeof definedProvider>;
export type DefinedModelSettings = z.infer<typeof definedModel>;
