import { asRecord, type ForeignFile } from "./translation.ts";

/** Names of promptfoo for providers that have another one here. */
const PROVIDERS: Readonly<Record<string, string>> = {
  google: "gemini",
  vertex: "gemini",
  palm: "gemini",
  alibaba: "dashscope",
  alicloud: "dashscope",
};
/** APIs of a provider, which are no part of a model's name. */
const APIS = ["chat", "messages", "responses", "completion"];
const PARAMETERS = [
  ...[
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "top_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
  ],
  ...["response_format", "reasoning_effort", "tools", "tool_choice"],
];

/** The models of a spec. `--models` replaces those of the file. */
export function readProviders(file: ForeignFile): object[] {
  if (file.models !== undefined) return file.models.map((model) => ({ model }));
  const section = "providers" in file.content ? "providers" : "targets";
  const given = file.content[section];
  const list = Array.isArray(given) ? given : [given];
  return list.flatMap((provider, i) => readProvider(file, provider, Array.isArray(given) ? [section, i] : [section]));
}

function readProvider(file: ForeignFile, provider: unknown, path: readonly PropertyKey[]): object[] {
  const { problems } = file;
  const { id, label, config, options } = toParts(provider);
  if (typeof id !== "string") {
    problems.add(path, 'expected "provider:model"; --models replaces the models of the file');
    return [];
  }
  const model = file.findModel(toModelName(id));
  if (model === undefined) {
    problems.add(path, "unknown provider; --models replaces the models of the file");
    return [];
  }
  for (const key of options) problems.add([...path, key], "not supported");
  const parameters: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(asRecord(config) ?? {})) {
    if (PARAMETERS.includes(key)) parameters[key] = value;
    else
      problems.add([...path, "config", key], "not supported; keys and addresses of providers belong into sluice.yaml");
  }
  return [
    {
      model,
      ...(typeof label === "string" ? { label } : {}),
      ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    },
  ];
}

interface ProviderParts {
  readonly id: unknown;
  readonly label?: unknown;
  readonly config?: unknown;
  readonly options: readonly string[];
}

/** A text, `{ id, label, config }`, or `{ "provider:model": { config } }`. */
function toParts(provider: unknown): ProviderParts {
  const mapping = asRecord(provider);
  if (!mapping) return { id: provider, options: [] };
  const [[name, value] = []] = Object.entries(mapping);
  const { id = name, label, config, ...others } = "id" in mapping ? mapping : { id: name, ...asRecord(value) };
  return { id, label, config, options: Object.keys(others) };
}

/** "openai:chat:gpt-4o" -> "openai/gpt-4o" */
function toModelName(id: string): string {
  const [provider = "", ...parts] = id.split(":");
  const name = parts.length > 1 && APIS.includes(parts[0] ?? "") ? parts.slice(1) : parts;
  return `${PROVIDERS[provider] ?? provider}/${name.join(":")}`;
}
