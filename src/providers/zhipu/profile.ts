import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ModelData } from "#src/providers/provider.ts";

export const ZHIPU_NAME = "zhipu";

/** Mainland China. The international host is https://api.z.ai/api/paas/v4. */
export const ZHIPU_BASE_URL = "https://open.bigmodel.cn/api/paas/v4";

/**
 * Zhipu limits calls in flight per model and account. It publishes no limits; its sales team named 5 for the older
 * models, and the limit is lowered after throttling.
 */
const LIMITS = { concurrency: 5 };

const chat = (
  name: string,
  maxTokens: number,
  maxOutputTokens: number,
  [input, output, cached]: readonly [number?, number?, number?] = [],
): ModelData => ({
  name,
  kind: "chat",
  maxTokens,
  maxOutputTokens,
  limits: LIMITS,
  price:
    input === undefined
      ? undefined
      : {
          inputPerMillionTokens: input,
          outputPerMillionTokens: output,
          cachedInputPerMillionTokens: cached,
          currency: "CNY",
        },
});

const K128 = 131_072;
const K200 = 204_800;
const MILLION = 1_048_576;

/** As published. Prices are in yuan per million tokens: input, output, cached input. */
export const ZHIPU_MODELS: readonly ModelData[] = [
  chat("glm-4-plus", K128, 4096, [5, 5]),
  chat("glm-4-air", K128, 4096, [0.5, 0.5]),
  chat("glm-4-air-250414", K128, 16_384, [0.5, 0.5]),
  chat("glm-4-flash", K128, 4096, [0, 0]),
  chat("glm-4-flash-250414", K128, 16_384, [0, 0]),
  chat("glm-4-long", MILLION, 4095, [1, 1]),
  chat("glm-4.5", K128, 98_304),
  chat("glm-4.5-air", K128, 98_304, [0.8, 6, 0.16]),
  chat("glm-4.5-airx", K128, 98_304),
  chat("glm-4.5-flash", K128, 98_304, [0, 0]),
  chat("glm-4.6", K200, 131_072),
  chat("glm-4.7", K200, 131_072, [3, 14, 0.6]),
  chat("glm-4.7-flashx", K200, 131_072, [0.5, 3, 0.1]),
  chat("glm-4.7-flash", K200, 131_072, [0, 0]),
  chat("glm-5", K200, 131_072, [4, 18, 1]),
  chat("glm-5-turbo", K200, 131_072, [5, 22, 1.2]),
  chat("glm-5.1", K200, 131_072, [6, 24, 1.3]),
  chat("glm-5.2", MILLION, 131_072, [8, 28, 2]),
  chat("glm-5.3", MILLION, 131_072, [8, 28, 2]),
  chat("glm-5.3-flash", MILLION, 131_072, [0.8, 2.8, 0.23]),
  chat("glm-5.3-flashx", MILLION, 131_072, [2, 7, 0.57]),
  {
    name: "embedding-2",
    kind: "embedding",
    dimensions: 1024,
    // Zhipu publishes only the total tokens of a call for this model, not the number of inputs.
    maxInputs: 64,
    maxTokens: 512,
    maxBatchTokens: 8192,
    limits: LIMITS,
    price: { inputPerMillionTokens: 0.5, currency: "CNY" },
  },
  {
    name: "embedding-3",
    kind: "embedding",
    dimensions: 2048,
    dimensionChoices: [256, 512, 1024, 2048],
    maxInputs: 64,
    maxTokens: 3072,
    limits: LIMITS,
    price: { inputPerMillionTokens: 0.5, currency: "CNY" },
  },
];

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
