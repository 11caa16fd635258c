import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { createCompatibleProvider } from "./compatible-provider.ts";
import type { CompatibleProfile } from "./profile.ts";

/** The names of models that a server may have. */
export const MODEL_NAME = /^[\w./:@+-]{1,128}$/;
/** Names that embedding models commonly have; used only when the caller does not say which kind it needs. */
const EMBEDDING_NAME = /embed|bge|gte|(^|[-/])e5[-:]/i;

/** The registry entry of an OpenAI-compatible provider. */
export function createCompatibleEntry(profile: CompatibleProfile): ProviderEntry {
  const { name, defaultBaseUrl, models, maxInputs } = profile;
  return {
    name,
    defaultBaseUrl,
    models: models.map((model) =>
      model.kind === "embedding" ? { ...model, maxInputs: model.maxInputs ?? maxInputs } : model,
    ),
    acceptsAnyModel: profile.openModels !== undefined,
    describeUnlisted: (model, kind) => describeUnlisted(profile, model, kind),
    create: (account, transport) => createCompatibleProvider(profile, account, transport),
  };
}

/** Only the name, kind and default batch size of such a model are known: not its dimensions or token limits. */
function describeUnlisted(
  { openModels, maxInputs }: CompatibleProfile,
  name: string,
  requested: ModelData["kind"] | undefined,
): ModelData | undefined {
  if (!MODEL_NAME.test(name)) return undefined;
  const guess = requested ?? (EMBEDDING_NAME.test(name) ? "embedding" : "chat");
  const kind = openModels === "embedding" ? "embedding" : guess;
  return omitUndefined({ name, kind, maxInputs });
}
