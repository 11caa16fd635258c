import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { RequestCheck } from "#src/providers/provider.ts";

/**
 * Collects what a protocol cannot express, or the provider is known to reject, while a request in OpenAI's form is
 * translated, and what is sent differently. No entry contains text of the request.
 */
export class TranslationReport implements RequestCheck {
  readonly #provider: string;
  readonly #rejected: string[] = [];
  readonly #adjusted = new Set<string>();

  constructor(provider: string) {
    this.#provider = provider;
  }

  get rejected(): readonly string[] {
    return this.#rejected;
  }

  get adjusted(): readonly string[] {
    return [...this.#adjusted];
  }

  /** Returns undefined, so that a translator can end with it. `reason` follows the name of the field. */
  reject(field: string, reason: string): undefined {
    this.#rejected.push(`${field} ${reason}`);
  }

  rejectUntranslatable(field: string): undefined {
    this.reject(field, `cannot be expressed in requests to ${this.#provider}`);
  }

  /** `what` completes a sentence that begins with the provider. */
  adjust(what: string): void {
    this.#adjusted.add(`${this.#provider} ${what}`);
  }

  /** Throws `invalid-request` with everything that was rejected, if there is anything. */
  assertAccepted(): void {
    if (this.#rejected.length > 0) throw invalidRequestError(this.#provider, this.#rejected.join("; "));
  }
}
