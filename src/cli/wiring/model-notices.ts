import type { Config } from "#src/config/config.ts";
import type { Retirement } from "#src/providers/provider.ts";

/** What a user should know before calling models: those that are retired, and those that no list has. One sentence each. */
export function listModelNotices({ registry }: Config, fullNames: readonly string[], now: number): string[] {
  return fullNames.flatMap((fullName) => {
    const { provider, model, isUnknown } = registry.findModel(fullName);
    if (model.retired) return [`${fullName} ${describeRetirement(model.retired, now)}`];
    const { catalogue, isSelfHosted } = registry.findProvider(provider);
    // No list has the models of a server of one's own.
    if (!isUnknown || (isSelfHosted && catalogue === undefined)) return [];
    const similar = registry.listSimilarModels(fullName);
    const hint = similar.length === 0 ? "" : `. Similar names: ${similar.join(", ")}`;
    return [
      `${fullName} is not in the list of models: it is sent as it is, and its price and limits are unknown${hint}`,
    ];
  });
}

/** "was retired on 2026-07-24; use x or y" */
export function describeRetirement({ since, successors = [] }: Retirement, now: number): string {
  const when = Date.parse(since) > now ? "will be retired" : "was retired";
  return `${when} on ${since}${successors.length === 0 ? "" : `; use ${successors.join(" or ")}`}`;
}

/** Writes the notices to stderr, for commands without a reporter. */
export function writeModelNotices(config: Config, fullNames: readonly string[]): void {
  for (const notice of listModelNotices(config, fullNames, Date.now())) process.stderr.write(`sluice: ${notice}\n`);
}
