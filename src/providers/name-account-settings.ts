import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatModel, Provider } from "./provider.ts";

/**
 * The provider whose errors name the settings of one account: `names` maps the variables of the provider, which its
 * messages name, to where the account has its values from.
 */
export function nameAccountSettings(provider: Provider, names: ReadonlyMap<string, string>): Provider {
  if (names.size === 0) return provider;
  const { chat, embedding, rerank } = provider;
  const rename = (error: unknown): never => {
    if (error instanceof ProviderError) {
      error.message = error.message.replace(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g, (name) => names.get(name) ?? name);
    }
    throw error;
  };
  return {
    ...provider,
    chat: chat && ((name) => renameInChat(chat(name), rename)),
    embedding:
      embedding &&
      ((name) => {
        const model = embedding(name);
        return { ...model, embed: (request, call) => model.embed(request, call).catch(rename) };
      }),
    rerank:
      rerank &&
      ((name) => {
        const model = rerank(name);
        return { ...model, rerank: (request, call) => model.rerank(request, call).catch(rename) };
      }),
    close: () => provider.close(),
  };
}

function renameInChat(model: ChatModel, rename: (error: unknown) => never): ChatModel {
  return {
    ...model,
    generate: (request, call) => model.generate(request, call).catch(rename),
    async *stream(request, call) {
      try {
        yield* model.stream(request, call);
      } catch (error) {
        rename(error);
      }
    },
  };
}
