import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import type { Config } from "#src/config/config.ts";
import type { FindCallAnswer } from "#src/evaluation/scorer-call.ts";
import { createScorerRegistry, type ScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createCallModelResolver } from "#src/producer/run-kinds/evaluation/scorer-calls/resolve-call-model.ts";

/** The scorers of a spec whose paths are relative to `baseDir`, with the models of the configuration and the answers to calls. */
export function openScorerRegistry(
  config: Config,
  baseDir: string,
  answers: { readonly find: FindCallAnswer },
  onModel: (name: string) => void = () => undefined,
): ScorerRegistry {
  const resolve = createCallModelResolver(config.registry, createRequestChecker(config));
  return createScorerRegistry({
    baseDir,
    calls: {
      findAnswer: (call) => answers.find(call),
      resolveModel: (...call) => {
        const resolved = resolve(...call);
        if ("name" in resolved) onModel(resolved.name);
        return resolved;
      },
    },
  });
}
