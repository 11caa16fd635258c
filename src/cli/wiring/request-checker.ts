import { type Config, revealAccount } from "#src/config/config.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
import { requireModelName } from "#src/core/model-name.ts";
import type { RequestChecker } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import type { ChatModel } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { splitChoices } from "#src/workers/dispatch/choices.ts";

const rejectCall = () => Promise.reject(new Error("a request is checked without a call"));
const NO_TRANSPORT: Transport = {
  post: rejectCall,
  stream: rejectCall,
  openSocket: rejectCall,
  close: () => Promise.resolve(),
};

/**
 * Checks requests with the adapters that workers would send them with: those of the first account of each provider, or, before
 * credentials are set, of an account without a key.
 */
export function createRequestChecker(config: Config): RequestChecker {
  const models = new Map<string, ChatModel | undefined>();
  const create = (fullName: string): ChatModel | undefined => {
    const { provider, model } = requireModelName(fullName);
    const [account] = config.accounts(provider);
    const { defaultBaseUrl } = config.registry.findProvider(provider);
    const revealed = account ? revealAccount(account) : { baseUrl: defaultBaseUrl, apiKey: "" };
    try {
      return config.registry.createProvider(provider, revealed, NO_TRANSPORT).chat?.(model);
    } catch (error) {
      // The account cannot call the model. The run reports that when its lanes are opened.
      if (error instanceof ProviderError) return undefined;
      throw error;
    }
  };
  return (fullName, request) => {
    if (!models.has(fullName)) models.set(fullName, create(fullName));
    const model = models.get(fullName);
    // A request for several answers becomes several calls.
    const [first = request] = model?.supportsChoices ? [request] : splitChoices(request);
    return model?.check?.(first);
  };
}
