import type { ProviderErrorKind } from "./errors.ts";

/** One unit of input: it ends in exactly one record of the output. */
export interface Item {
  /** Position in the source, from 0; the order of the output. */
  readonly index: number;
  readonly id: string;
  readonly text: string;
  /** Estimated tokens of `text`. */
  readonly tokens: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Index of the first item that asks for the same: this one is a copy, never sent, and gets that one's outcome. */
  readonly duplicateOf?: number;
}

/** Why an item has no result: a provider's kind, or one of the ends only a run can bring. */
export type FailureKind = ProviderErrorKind | "crash-loop" | "cancelled" | "expired";

/** A definite error of one item. `message` never holds a credential or the item's text. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly code?: string;
}
