import { MINIMAX_BASE_URL, MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { SPARK_BASE_URL, SPARK_NAME } from "#src/providers/spark/profile.ts";
import { ZHIPU_BASE_URL, ZHIPU_NAME } from "#src/providers/zhipu/profile.ts";

/** How a provider is configured: the variables that hold its account, and what else its account consists of. */
export interface ProviderSettings {
  readonly apiKey: string;
  readonly baseUrl: { readonly variable: string; readonly defaultUrl: string };
  /** Further parts of the account by their name in sluice.yaml. */
  readonly extra: Readonly<Record<string, ExtraSetting>>;
  /** A field of `extra` that makes an account by itself: with it, the key and the required ones may be absent. */
  readonly alternativeKeyField?: string;
  /** A server that may run without a key: it counts as configured once its address is given. */
  readonly isKeyOptional?: boolean;
}

export interface ExtraSetting {
  readonly variable: string;
  /** Counts as missing when absent. */
  readonly required: boolean;
  /** `text` is a credential and is kept out of messages; `plain` is none; a list holds the words to choose from. */
  readonly form: "text" | "plain" | "url" | readonly string[];
}

/**
 * One line per provider; variables, the schema of sluice.yaml and the check for missing keys follow from it.
 * MiniMax: keys of the `sk-` form are bound to their group, older ones need the group id beside them.
 * Zhipu: the key is sent as it is, or as tokens made from it.
 * Spark: key, app id and secret sign WebSocket and embedding calls; the password alone opens the HTTP interface.
 */
const SETTINGS: Readonly<Record<string, ProviderSettings>> = {
  [MINIMAX_NAME]: settings("MINIMAX", MINIMAX_BASE_URL, { groupId: "optional", dialect: "plain" }),
  [ZHIPU_NAME]: settings("ZHIPU", ZHIPU_BASE_URL, { auth: ["key", "jwt"] }),
  [SPARK_NAME]: {
    ...settings("SPARK", SPARK_BASE_URL, {
      appId: "required",
      apiSecret: "required",
      apiPassword: "optional",
      httpBaseUrl: "url",
      embeddingBaseUrl: "url",
      protocol: ["websocket", "http"],
    }),
    alternativeKeyField: "apiPassword",
  },
  ...Object.fromEntries(
    COMPATIBLE_PROFILES.map(({ name, envPrefix, defaultBaseUrl, needsKey = true }) => [
      name,
      { ...settings(envPrefix, defaultBaseUrl), isKeyOptional: !needsKey },
    ]),
  ),
};

export const PROVIDER_SETTINGS: ReadonlyMap<string, ProviderSettings> = new Map(Object.entries(SETTINGS));

function settings(
  prefix: string,
  baseUrl: string,
  extra: Readonly<Record<string, "optional" | "required" | "plain" | "url" | readonly string[]>> = {},
): ProviderSettings {
  return {
    apiKey: `${prefix}_API_KEY`,
    baseUrl: { variable: `${prefix}_BASE_URL`, defaultUrl: baseUrl },
    extra: Object.fromEntries(
      Object.entries(extra).map(([field, need]) => [
        field,
        {
          variable: `${prefix}_${toConstantCase(field)}`,
          required: need === "required",
          form: need === "required" || need === "optional" ? "text" : need,
        },
      ]),
    ),
  };
}

/** "groupId" -> "GROUP_ID". */
function toConstantCase(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
