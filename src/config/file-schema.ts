import { z } from "zod";
import { maxWorkers } from "./max-workers.ts";
import { priceSchema } from "./price-schema.ts";
import { baseUrlSchema, extraSchema } from "./provider-schemas.ts";
import { PROVIDER_SETTINGS, type ProviderSettings } from "./provider-settings.ts";
import {
  baseUrl,
  byteSize,
  duration,
  headerName,
  headerValue,
  logLevel,
  oneOf,
  positiveInteger,
  redisUrl,
  setting,
  shortName,
  text,
  trueOrFalse,
  type ValueIssue,
  variableName,
  workerCount,
} from "./value-schemas.ts";

const apiKey = setting(
  text("expected the key as text"),
  "API key. Prefer apiKeyEnv, which keeps the key out of the file",
);
const apiKeyEnv = setting(variableName, "Environment variable that contains the API key");

const limits = z.strictObject({
  requestsPerSecond: setting(positiveInteger, "Calls per second of one account"),
  requestsPerMinute: setting(positiveInteger, "Calls per minute of one account"),
  requestsPerHour: setting(positiveInteger, "Calls per hour of one account"),
  requestsPerDay: setting(positiveInteger, "Calls per day of one account, in any 24 hours"),
  tokensPerSecond: setting(positiveInteger, "Tokens per second of one account, over all calls"),
  tokensPerMinute: setting(positiveInteger, "Tokens per minute of one account, over all calls"),
  tokensPerHour: setting(positiveInteger, "Tokens per hour of one account, over all calls"),
  tokensPerDay: setting(positiveInteger, "Tokens per day of one account, over all calls in any 24 hours"),
  concurrency: setting(positiveInteger, "Calls in flight, over all workers on all machines"),
  pacing: setting(
    oneOf(["burst", "even"]),
    "burst: a limit may be spent at once; even: calls are spread over the second or minute",
    { default: "the provider's" },
  ),
});

/** What the settings may say about a model; it precedes the catalogue and the provider's profile. */
const modelShape = {
  dimensions: setting(positiveInteger, "Dimensions of the vectors (embedding)"),
  maxInputs: setting(positiveInteger, "Maximum inputs (embedding) or documents (rerank) per call"),
  maxTokens: setting(positiveInteger, "Maximum tokens of the context (chat) or of one input (embedding)"),
  maxOutputTokens: setting(positiveInteger, "Maximum tokens of an answer (chat)"),
  limits: limits.optional(),
  price: priceSchema.optional(),
};
const kind = oneOf(["chat", "embedding", "rerank"]);

const model = z.strictObject({
  kind: setting(kind, "What the model does", { default: "as published, or guessed from the name" }),
  ...modelShape,
});

const accountShape = {
  name: setting(shortName.unwrap(), "Name of the account; it becomes part of its lanes' names"),
  apiKey,
  apiKeyEnv,
  baseUrl: setting(baseUrl, "Base URL of this account", { default: "the provider's" }),
  limits: limits.optional(),
};
const providerShape = { apiKey, apiKeyEnv, baseUrl: setting(baseUrl, "Base URL of all accounts") };

/** The provider's own account fields, such as `groupId`. */
function extraShape(settings: ProviderSettings) {
  return Object.fromEntries(
    Object.entries(settings.extra).map(([field, { form, description, default: defaultValue }]) => [
      field,
      setting(extraSchema(form), description, { default: defaultValue }),
    ]),
  );
}

const streamUpstream = setting(
  trueOrFalse,
  "Request all chat answers as streams and join them, also in batch runs: for gateways that drop silent responses",
  { default: "only where the model or the server requires it" },
);

const timeouts = z.strictObject({
  firstByte: setting(duration, "Until the response begins", {
    default: "5m (stream), 10m (complete answer, and servers that load models)",
  }),
  idle: setting(duration, "Between two events of a stream, or two bytes of a complete answer", { default: "60s" }),
  total: setting(duration, "Until the end of the response", {
    default: "30m (stream), 15m (complete answer), 3m (embeddings)",
  }),
});

function provider(settings: ProviderSettings) {
  const extra = extraShape(settings);
  const url = baseUrlSchema(settings);
  const { defaultUrl } = settings.baseUrl;
  return z.strictObject({
    ...providerShape,
    ...extra,
    baseUrl: setting(url, "Base URL of all accounts", { default: defaultUrl }),
    accounts: z
      .array(
        z.strictObject({
          ...accountShape,
          ...extra,
          baseUrl: setting(url, "Base URL of this account", { default: "the provider's" }),
        }),
      )
      .optional(),
    timeouts: timeouts.optional(),
    streamUpstream,
    models: z.record(z.string(), model).optional(),
  });
}

type Settings<Shape extends z.core.$ZodShape> = z.infer<z.ZodObject<Shape>>;
export type AccountSettings = Settings<typeof accountShape>;
export type ProviderFileSettings = Settings<typeof providerShape> & {
  readonly accounts?: readonly AccountSettings[] | undefined;
  readonly timeouts?: z.infer<typeof timeouts> | undefined;
  readonly streamUpstream?: boolean | undefined;
  readonly models?: Readonly<Record<string, z.infer<typeof model>>> | undefined;
};

const providerShapes: Record<string, z.ZodOptional<z.ZodType<ProviderFileSettings>>> = Object.fromEntries(
  [...PROVIDER_SETTINGS].map(([name, settings]) => [name, provider(settings).optional()]),
);

const definedModel = z.strictObject({ kind: setting(kind.unwrap(), "What the model does"), ...modelShape });

/** An OpenAI-compatible provider that sluice.yaml defines. */
const definedProvider = z
  .strictObject({
    baseUrl: setting(baseUrl.unwrap(), "Base URL of the server"),
    apiKey,
    apiKeyEnv,
    encoding: setting(
      oneOf(["float", "base64", "omitted"]),
      "Encoding of vectors: float, which most servers support, base64, which is smaller, or omitted, for servers that do not know the field (Voyage)",
      { default: "float" },
    ),
    profile: setting(
      oneOf(["openai", "azure-openai"]),
      "azure-openai: baseUrl is the URL of the resource, models are deployments, and the key is sent as api-key",
      { default: "openai" },
    ),
    apiVersion: setting(
      text("expected the API version as text"),
      "API version of Azure OpenAI, which selects the path of the deployment",
      { default: "none: the v1 path" },
    ),
    maxTokensField: setting(
      oneOf(["max_tokens", "max_completion_tokens"]),
      "The only name of the limit of tokens that the server accepts",
      { default: "the one that the request uses" },
    ),
    reasoningField: setting(
      oneOf(["reasoning_content", "reasoning"]),
      "Field in which assistant messages return their reasoning",
      { default: "none: reasoning is not returned" },
    ),
    endOfStream: setting(
      oneOf(["done", "finish-reason", "end-of-body"]),
      "What completes a stream. With end-of-body, a truncated answer cannot be recognized",
      { default: "a finish reason and [DONE]" },
    ),
    headers: z.record(z.string(), setting(headerValue.unwrap(), "Header that is sent with every call")).optional(),
    query: z
      .record(z.string(), setting(text("expected text").unwrap(), "Parameter of the query string of every call"))
      .optional(),
    authHeader: setting(headerName, "Header that contains the key alone", { default: 'authorization, after "Bearer"' }),
    timeouts: timeouts.optional(),
    streamUpstream,
    models: z.record(z.string(), definedModel),
  })
  .superRefine(({ apiVersion, profile }, context) => {
    if (apiVersion === undefined || profile === "azure-openai") return;
    const expected = 'expected "profile: azure-openai" beside it, which is the only profile with an API version';
    context.addIssue({ code: "custom", path: ["apiVersion"], params: { expected, echo: false } satisfies ValueIssue });
  });

/** Everything that sluice.yaml may contain. */
export const fileSchema = z.strictObject({
  redis: z
    .strictObject({
      url: setting(redisUrl, "Redis to use. Prefer REDIS_URL if the URL contains a password", {
        default: "a private Redis",
      }),
      server: setting(
        text("expected the path of a redis-server", undefined, "path"),
        "redis-server or valkey-server of the private Redis",
        {
          default: "the one on PATH",
        },
      ),
    })
    .optional(),
  providers: z.strictObject(providerShapes).optional(),
  compatible: z.record(z.string(), definedProvider).optional(),
  run: z
    .strictObject({
      window: setting(positiveInteger, "Items of a run in Redis at once", {
        default: "5000 (embed), 2000 (batch), or more if the limits allow larger bursts",
      }),
      workers: setting(
        workerCount,
        "Worker processes that a command starts; 0 leaves the work to workers that run elsewhere",
        { type: `0 to ${maxWorkers(1)}, or to 8 per core if that is more`, default: "one per core" },
      ),
      canaries: setting(trueOrFalse, "Send a known text from time to time, to recognize wrong vectors", {
        default: "true",
      }),
    })
    .optional(),
  worker: z
    .strictObject({
      jobs: setting(positiveInteger, "Jobs that one worker process holds at once", { default: "100" }),
      calls: setting(positiveInteger, "Calls that one worker process has in flight per model", {
        default: "160 (embedding), 256 (chat)",
      }),
      grace: setting(duration, "How long calls in flight may continue after SIGTERM", { default: "20s" }),
      hanging: z
        .strictObject({
          abort: setting(
            trueOrFalse,
            "Abort calls that take much longer than usual, and make them again. They may be paid twice. With false, they are only reported",
            { default: "true" },
          ),
          factor: setting(
            positiveInteger,
            "A call hangs if it takes this many times longer than 95 % of the latest calls of its run. Reduced to as little as 2 while many calls hang",
            { default: "10" },
          ),
          least: setting(duration, "A call hangs only after this time. Reduced while many calls hang", {
            default: "10s",
          }),
        })
        .optional(),
    })
    .optional(),
  api: z
    .strictObject({
      data: setting(
        text("expected the path of a folder", undefined, "path"),
        "Folder with the files and batches of the HTTP API. All servers of one Redis share it",
        { default: ".sluice/api" },
      ),
      maxMemory: setting(byteSize, "Memory in use from which a server refuses new requests with 503, such as 800MB", {
        default: "80 % of the heap's limit",
      }),
      webhook: z
        .strictObject({
          url: setting(baseUrl.unwrap(), "Receives an event when a batch ends, signed with SLUICE_WEBHOOK_SECRET"),
          allowPrivate: setting(trueOrFalse, "Whether the URL may be on a private network or this machine", {
            default: "false",
          }),
        })
        .optional(),
      models: z
        .record(
          z.string(),
          setting(text("expected provider/model").unwrap(), "Further name of a model for the HTTP API"),
        )
        .optional(),
    })
    .optional(),
  log: z
    .strictObject({ level: setting(logLevel, "Least severe level that is logged", { default: "info" }) })
    .optional(),
});
export type FileSettings = z.infer<typeof fileSchema>;
export type DefinedProviderSettings = z.infer<typeof definedProvider>;
export type ModelSettings = z.infer<typeof model>;
