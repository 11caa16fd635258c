import { listSimilarNames } from "#src/core/similar-names.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** A longer list of names would hide the message. */
const MAX_LISTED_NAMES = 30;
const FIRST_NAMES = 5;

/** A provider or model does not exist. The message contains the requested name and the most similar known names. */
export class UnknownModelError extends Error {
  override readonly name = "UnknownModelError";
  readonly suggestions: readonly string[];

  constructor(requested: string, known: readonly string[], kind: "model" | "provider" = "model") {
    const suggestions = listSimilarNames(requested, known);
    const sentences = [`"${requested.slice(0, 200)}" is not a known ${kind}.`];
    if (suggestions.length > 0) sentences.push(`Did you mean ${suggestions.join(" or ")}?`);
    else if (known.length > MAX_LISTED_NAMES) {
      const others = known.length - FIRST_NAMES;
      sentences.push(
        `Known ${kind}s: ${known.slice(0, FIRST_NAMES).join(", ")} and ${others} others; "${SUGGESTED_COMMANDS[`${kind}s`]()}" lists them.`,
      );
    } else if (known.length > 0) sentences.push(`Known ${kind}s: ${known.join(", ")}.`);
    super(sentences.join(" "));
    this.suggestions = suggestions;
  }
}
