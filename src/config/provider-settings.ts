import { ANTHROPIC_BASE_URL, ANTHROPIC_NAME } from "#src/providers/anthropic/profile.ts";
import { GEMINI_BASE_URL, GEMINI_NAME } from "#src/providers/gemini/profile.ts";
import { MINIMAX_BASE_URL, MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { RERANK_PROFILES } from "#src/providers/rerank/profiles.ts";
import { SPARK_BASE_URL, SPARK_HTTP_BASE_URL, SPARK_NAME } from "#src/providers/spark/profile.ts";
import { ZHIPU_BASE_URL, ZHIPU_NAME } from "#src/providers/zhipu/profile.ts";

/** How a provider is configured: the variables of its account, and the account fields beyond key and base URL. */
export interface ProviderSettings {
  readonly apiKey: string;
  readonly baseUrl: { readonly variable: string; readonly defaultUrl: string };
  /** What errors of the provider call the key and the base URL, if not by their variables. */
  readonly namedInErrors?: { readonly apiKey: string; readonly baseUrl: string };
  /** Further account fields, by their names in sluice.yaml. */
  readonly extra: Readonly<Record<string, ExtraSetting>>;
  /** A field of `extra` that is sufficient by itself: with it, the key and the required fields may be absent. */
  readonly alternativeKeyField?: string;
  /** A server that may run without a key: it is configured once its base URL is set. */
  readonly isKeyOptional?: boolean;
}

export interface ExtraSetting {
  readonly variable: string;
  /** Reported as missing when absent. */
  readonly required: boolean;
  /** `text` is a credential and is kept out of messages; `plain` is not; a list contains the accepted words. */
  readonly form: "text" | "plain" | "url" | readonly string[];
  readonly description: string;
  readonly default?: string;
}

type ExtraField = Omit<ExtraSetting, "variable">;

/** Variables, the schema of sluice.yaml, the check for missing keys and the documentation are derived from this table. */
const SETTINGS: Readonly<Record<string, ProviderSettings>> = {
  [MINIMAX_NAME]: settings("MINIMAX", MINIMAX_BASE_URL, {
    groupId: credential('Group id; required only by older keys, which do not begin with "sk-"'),
    dialect: {
      form: "plain",
      required: false,
      description:
        "Chat protocol for all models (chatcompletion, chatcompletion_pro, chatcompletion_v2 or openai), or model=dialect pairs separated by commas",
      default: "the known protocol of each model",
    },
  }),
  [ZHIPU_NAME]: settings("ZHIPU", ZHIPU_BASE_URL, {
    auth: {
      form: ["key", "jwt"],
      required: false,
      description: "key: the key is sent as it is; jwt: tokens signed with the key are sent",
      default: "key",
    },
  }),
  [SPARK_NAME]: {
    ...settings("SPARK", SPARK_BASE_URL, {
      appId: { ...credential("App id; with key and secret it signs WebSocket and embedding calls"), required: true },
      apiSecret: { ...credential("Secret that belongs to the key"), required: true },
      apiPassword: credential(
        "Password of the HTTP interface, which differs for each model version; it alone is sufficient for chat over HTTP",
      ),
      httpBaseUrl: {
        form: "url",
        required: false,
        description: "Base URL of the HTTP interface",
        default: SPARK_HTTP_BASE_URL,
      },
      embeddingBaseUrl: {
        form: "url",
        required: false,
        description: "Base URL of all embedding services",
        default: "the host of each service",
      },
      protocol: {
        form: ["websocket", "http"],
        required: false,
        description: "Protocol of chat calls if the credentials allow both",
        default: "websocket",
      },
    }),
    alternativeKeyField: "apiPassword",
  },
  [ANTHROPIC_NAME]: settings("ANTHROPIC", ANTHROPIC_BASE_URL, {
    beta: {
      form: "plain",
      required: false,
      description: "Features to enable, as the value of the header anthropic-beta, separated by commas",
    },
  }),
  [GEMINI_NAME]: settings("GEMINI", GEMINI_BASE_URL),
  ...Object.fromEntries(
    RERANK_PROFILES.map(({ name, envPrefix, defaultBaseUrl }) => [name, settings(envPrefix, defaultBaseUrl)]),
  ),
  ...Object.fromEntries(
    COMPATIBLE_PROFILES.map(({ name, envPrefix, defaultBaseUrl, needsKey = true }) => [
      name,
      { ...settings(envPrefix, defaultBaseUrl), isKeyOptional: !needsKey },
    ]),
  ),
};

export const PROVIDER_SETTINGS: ReadonlyMap<string, ProviderSettings> = new Map(Object.entries(SETTINGS));

function settings(prefix: string, baseUrl: string, extra: Readonly<Record<string, ExtraField>> = {}): ProviderSettings {
  return {
    apiKey: `${prefix}_API_KEY`,
    baseUrl: { variable: `${prefix}_BASE_URL`, defaultUrl: baseUrl },
    extra: Object.fromEntries(
      Object.entries(extra).map(([name, field]) => [name, { ...field, variable: `${prefix}_${toConstantCase(name)}` }]),
    ),
  };
}

function credential(description: string): ExtraField {
  return { form: "text", required: false, description };
}

/** "groupId" -> "GROUP_ID" */
function toConstantCase(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
