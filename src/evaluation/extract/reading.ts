/** What an extractor read: one answer, nothing, or something that careful people read differently. */
export type Reading<T> =
  | { readonly status: "found"; readonly answer: T }
  | { readonly status: "none" }
  | { readonly status: "ambiguous"; readonly reason: string };

export function found<T>(answer: T): Reading<T> {
  return { status: "found", answer };
}

export function ambiguous(reason: string): Reading<never> {
  return { status: "ambiguous", reason };
}

export const NOTHING_READ: Reading<never> = { status: "none" };
