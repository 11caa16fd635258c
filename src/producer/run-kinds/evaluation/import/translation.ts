/** A file of another tool as the contents of a spec. */
export interface Translation {
  /** Of the spec; `datasets` is absent if `rows` are its only dataset. */
  readonly content: Readonly<Record<string, unknown>>;
  readonly rows?: readonly object[];
}

/** Reports what cannot run: a path in the file that is translated, or a place in another one. */
export interface ProblemSink {
  add(path: readonly PropertyKey[], message: string): void;
  addAt(where: string, message: string): void;
}

/** Contents of a foreign file, and what its translation needs. */
export interface ForeignFile {
  readonly content: Readonly<Record<string, unknown>>;
  /** Absolute. */
  readonly folder: string;
  /** File name without extension. */
  readonly name: string;
  readonly problems: ProblemSink;
  /** "provider/model" to use in place of the models in the file. */
  readonly models: readonly string[] | undefined;
  /** Our name of a model, or undefined if its provider is unknown. */
  readonly findModel: (name: string) => string | undefined;
}

/** One check of a row; see the scorer `checks`. */
export interface TranslatedCheck {
  readonly type: string;
  readonly targets?: readonly string[];
  readonly negate?: boolean;
  readonly pass?: number;
  readonly weight?: number;
  readonly [option: string]: unknown;
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** The file of "file://path"; undefined for other texts. */
export function readFileReference(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith("file://") ? value.slice("file://".length) : undefined;
}

export function toText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
