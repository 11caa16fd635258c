import type { ProviderErrorKind } from "./failures/errors.ts";
import type { ProviderText } from "./failures/provider-text.ts";

/** One unit of input; it ends in exactly one record of the output. */
export interface Item {
  /** Position in the source and in the output, from 0. */
  readonly index: number;
  readonly id: string;
  readonly text: string;
  /** Estimated tokens of `text`. */
  readonly tokens: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Index of the first item that is equal to this one. A duplicate is never sent and gets that item's outcome. */
  readonly duplicateOf?: number;
}

/** Why an item has no result: the kind of a provider error, or a reason of the run itself. */
export type FailureKind = ProviderErrorKind | "crash-loop" | "cancelled" | "expired";

/** A final error of one item. `message` never contains a credential or the item's text. */
export interface Failure extends ProviderText {
  readonly kind: FailureKind;
  readonly message: string;
  readonly code?: string;
}
