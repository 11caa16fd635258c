import type { DirectoryModel } from "./model-directory.ts";

/** A model in OpenAI's format, with what Sluice knows beyond it. */
export function writeModel({ fullName, provider, data }: DirectoryModel) {
  const { released, retired, kind, maxTokens, maxOutputTokens, dimensions } = data;
  return {
    id: fullName,
    object: "model",
    created: released === undefined ? 0 : Math.floor((Date.parse(released) || 0) / 1000),
    owned_by: provider,
    // FastChat's model cards have these.
    root: fullName,
    parent: null,
    permission: [],
    ...(retired === undefined ? {} : { shutdown_date: retired.since }),
    kind,
    ...(maxTokens === undefined ? {} : { context_length: maxTokens }),
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
    ...(dimensions === undefined ? {} : { dimensions }),
  };
}
