import type { ProviderRegistry } from "#src/providers/registry.ts";

/** Returns the function that finds the maximum number of inputs per call of an embedding model "provider/model". */
export function createMaxInputsFinder(registry: ProviderRegistry): (fullName: string) => number {
  return (fullName) => registry.findModel(fullName, "embedding").model.maxInputs ?? 1;
}
