import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ModelFacts, ProviderFacts } from "#src/providers/provider-entry.ts";

export const ZHIPU_NAME = "zhipu";

/** Mainland China. The international host is https://api.z.ai/api/paas/v4. */
export const ZHIPU_BASE_URL = "https://open.bigmodel.cn/api/paas/v4";

const K128 = 131_072;

/** A model that the catalogue does not have. Prices are in yuan per million tokens: input, output, cached input. */
const chat = (
  name: string,
  maxTokens: number,
  maxOutputTokens: number,
  [input, output, cached]: readonly [number?, number?, number?] = [],
): ModelFacts => ({
  name,
  kind: "chat",
  maxTokens,
  maxOutputTokens,
  price:
    input === undefined
      ? undefined
      : omitUndefined({
          inputPerMillionTokens: input,
          outputPerMillionTokens: output,
          cachedInputPerMillionTokens: cached,
          currency: "CNY",
        }),
});

export const ZHIPU_FACTS: ProviderFacts = {
  catalogue: "zhipuai",
  defaults: {
    /**
     * Zhipu limits calls in flight per model and account. It publishes no limits; its sales team named 5 for the older
     * models, and the limit is lowered after throttling.
     */
    chat: { limits: { concurrency: 5 } },
    // Zhipu publishes the number of inputs of a call only for embedding-3.
    embedding: { limits: { concurrency: 5 }, maxInputs: 64 },
  },
  models: [
    chat("glm-4", K128, 4095),
    chat("glm-4-plus", K128, 4096, [5, 5]),
    chat("glm-4-air", K128, 4096, [0.5, 0.5]),
    chat("glm-4-air-250414", K128, 16_384, [0.5, 0.5]),
    chat("glm-4-flash", K128, 4096, [0, 0]),
    chat("glm-4-flash-250414", K128, 16_384, [0, 0]),
    chat("glm-4-long", 1_048_576, 4095, [1, 1]),
    chat("glm-4v", 2048, 1024),
    chat("glm-5.3", 1_048_576, K128, [8, 28, 2]),
    chat("glm-5.3-flash", 1_048_576, K128, [0.8, 2.8, 0.23]),
    chat("glm-5.3-flashx", 1_048_576, K128, [2, 7, 0.57]),
    {
      name: "embedding-2",
      kind: "embedding",
      dimensions: 1024,
      maxTokens: 512,
      maxBatchTokens: 8192,
      price: { inputPerMillionTokens: 0.5, currency: "CNY" },
    },
    {
      name: "embedding-3",
      kind: "embedding",
      dimensions: 2048,
      dimensionChoices: [256, 512, 1024, 2048],
      maxTokens: 3072,
      price: { inputPerMillionTokens: 0.5, currency: "CNY" },
    },
  ],
};

export interface ZhipuErrorCode {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  /** How to fix it. */
  readonly hint?: string;
}

const CHECK_KEY = "check ZHIPU_API_KEY and ZHIPU_BASE_URL";
const TOP_UP = "top up the account; a coding-plan key works only on the /api/coding/paas/v4 base URL";
const CONTACT = "contact Zhipu's support";
const PLAN = "change the plan, or wait for its renewal";
const CHECK_MODEL = "check the model's name";

/**
 * `error.code`, a string. HTTP 429 covers both throttling and empty accounts, so the code decides and not the status.
 */
export const ZHIPU_CODES: Readonly<Record<string, ZhipuErrorCode>> = {
  "500": { kind: "server", message: "internal error" },
  "1000": { kind: "auth", message: "the API key was rejected", hint: CHECK_KEY },
  "1001": { kind: "auth", message: "the call had no credentials", hint: CHECK_KEY },
  "1002": { kind: "auth", message: "the API key is malformed", hint: CHECK_KEY },
  "1003": {
    kind: "auth",
    message: "the token has expired",
    hint: "check this machine's clock, or set ZHIPU_AUTH=key",
  },
  "1004": { kind: "auth", message: "the token's signature was rejected", hint: CHECK_KEY },
  "1005": { kind: "auth", message: "the account requires a second factor", hint: CONTACT },
  "1100": { kind: "server", message: "the account could not be read" },
  "1110": { kind: "auth", message: "the account is not active", hint: CONTACT },
  "1111": { kind: "auth", message: "the account does not exist", hint: CHECK_KEY },
  "1112": { kind: "auth", message: "the account is locked", hint: CONTACT },
  "1113": { kind: "quota", message: "the account has no balance and no resource pack", hint: TOP_UP },
  "1120": { kind: "overloaded", message: "the account is temporarily unavailable" },
  "1121": { kind: "auth", message: "the account is locked for violations", hint: CONTACT },
  "1200": { kind: "server", message: "the call failed" },
  "1210": { kind: "invalid-request", message: "a parameter was rejected" },
  "1211": { kind: "auth", message: "the model does not exist", hint: CHECK_MODEL },
  "1212": { kind: "invalid-request", message: "the model does not support this kind of call" },
  "1213": { kind: "invalid-request", message: "a field is missing" },
  "1214": { kind: "invalid-request", message: "a field was rejected" },
  "1215": { kind: "invalid-request", message: "two fields exclude each other" },
  "1220": { kind: "auth", message: "the account may not use this API", hint: CONTACT },
  "1221": { kind: "auth", message: "the API has been discontinued", hint: CHECK_MODEL },
  "1222": { kind: "auth", message: "the API does not exist", hint: "check ZHIPU_BASE_URL" },
  "1230": { kind: "server", message: "the call was not completed" },
  "1231": { kind: "invalid-request", message: "the request_id was used before" },
  "1233": { kind: "invalid-request", message: "the asynchronous call does not exist" },
  "1234": { kind: "server", message: "a network error at the upstream" },
  "1261": { kind: "too-long", message: "the input is too long for the model" },
  "1300": { kind: "content-filter", message: "the request was rejected by policy" },
  "1301": { kind: "content-filter", message: "the input or output was rejected by the content filter" },
  "1302": { kind: "throttled", dimension: "concurrency", message: "too many concurrent calls" },
  "1303": { kind: "throttled", dimension: "requests", message: "too many requests" },
  "1304": { kind: "quota", message: "the daily call quota is used up", hint: "wait for the next day" },
  "1305": { kind: "overloaded", message: "the model is overloaded" },
  "1308": { kind: "quota", message: "the plan's current usage quota is used up", hint: PLAN },
  "1309": { kind: "quota", message: "the coding plan has expired", hint: PLAN },
  "1310": { kind: "quota", message: "the plan's weekly or monthly quota is used up", hint: PLAN },
  "1311": { kind: "quota", message: "the plan does not include this model", hint: PLAN },
  "1312": { kind: "overloaded", message: "the model is overloaded; try another model" },
  "1313": { kind: "throttled", message: "the account is throttled under the fair-use policy" },
  "1314": { kind: "quota", message: "the enterprise plan does not allow this call", hint: PLAN },
  "1315": { kind: "quota", message: "the enterprise plan does not allow this call", hint: PLAN },
  "1316": { kind: "quota", message: "the enterprise plan's quota is used up", hint: PLAN },
  "1317": { kind: "quota", message: "the enterprise plan's quota is used up", hint: PLAN },
  "1318": { kind: "quota", message: "the enterprise plan's quota is used up", hint: PLAN },
  "1319": { kind: "quota", message: "the enterprise plan's quota is used up", hint: PLAN },
  "1320": { kind: "quota", message: "the enterprise account has no balance left", hint: TOP_UP },
  "1321": { kind: "quota", message: "the enterprise account has no balance left", hint: TOP_UP },
};

/** String codes of the OpenAI protocol that some of Zhipu's interfaces use. */
export const ZHIPU_NAMED_CODES: Readonly<Record<string, ZhipuErrorCode>> = {
  insufficient_quota: { kind: "quota", message: "the account has no balance", hint: TOP_UP },
  overloaded: { kind: "overloaded", message: "the model is overloaded" },
  context_length_exceeded: { kind: "too-long", message: "the input is too long for the model" },
  model_not_found: { kind: "auth", message: "the model does not exist", hint: CHECK_MODEL },
};
