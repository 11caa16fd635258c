import type { SpecContent, SpecDataset, SpecPrompt } from "./spec-schema.ts";

/** A spec that was read and checked, with what the command line changed in it. */
export interface EvaluationSpec {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The path as messages show it. */
  readonly label: string;
  readonly source: string;
  readonly datasets: readonly EvaluationDataset[];
  readonly prompts: readonly EvaluationPrompt[];
  readonly models: readonly SpecModel[];
  /** Answers per item, model, and prompt. */
  readonly samples: number;
  readonly scorers: SpecContent["scorers"];
  readonly reduce: string;
  readonly baseline: string | undefined;
  readonly confidence: number;
  /** SHA-256 of everything that decides which calls are made. */
  readonly generationHash: string;
  /** A message with file, line, and path. */
  readonly locate: (path: readonly PropertyKey[], message: string) => string;
}

export interface EvaluationDataset extends Omit<SpecDataset, "name"> {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

export interface EvaluationPrompt extends Omit<SpecPrompt, "name"> {
  readonly name: string;
}

export interface SpecModel {
  readonly label: string;
  /** "provider/model" */
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}
