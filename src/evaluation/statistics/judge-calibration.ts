import { normalQuantile } from "./distributions.ts";
import type { Interval } from "./intervals.ts";

/** Verdicts of a judge on items whose truth is known. */
export interface JudgeLabels {
  /** Items that are right, and those of them that the judge accepted. */
  readonly right: number;
  readonly rightAccepted: number;
  /** Items that are wrong, and those of them that the judge rejected. */
  readonly wrong: number;
  readonly wrongRejected: number;
}

export interface CalibratedRate {
  /** The share of right items, corrected for the judge's mistakes; between 0 and 1. */
  readonly rate: number;
  readonly interval: Interval;
  readonly sensitivity: number;
  readonly specificity: number;
}

/**
 * Corrects the share of items that a judge accepted by its sensitivity and specificity on labelled items, and widens the
 * interval by what is unknown about these (Lee et al., "How to Correctly Report LLM-as-a-Judge Evaluations", arXiv
 * 2511.21140: Rogan and Gladen's estimator with an adjusted interval). Undefined if the judge is not better than chance on
 * the labelled items, or one kind of labels is missing.
 */
export function calibrateJudge(
  accepted: number,
  judged: number,
  labels: JudgeLabels,
  confidence = 0.95,
): CalibratedRate | undefined {
  const sensitivity = labels.rightAccepted / labels.right;
  const specificity = labels.wrongRejected / labels.wrong;
  if (!(sensitivity + specificity > 1) || judged === 0) return undefined;
  const correct = (rate: number, q1: number, q0: number) => (rate + q0 - 1) / (q1 + q0 - 1);
  const z = normalQuantile((1 + confidence) / 2);
  // Adding pseudo-observations, as Agresti and Coull do, keeps the interval from collapsing at 0 and 1.
  const rate = (accepted + (z * z) / 2) / (judged + z * z);
  const q1 = (labels.rightAccepted + 1) / (labels.right + 2);
  const q0 = (labels.wrongRejected + 1) / (labels.wrong + 2);
  const center = correct(rate, q1, q0);
  const variance =
    (rate * (1 - rate)) / (judged + z * z) +
    (center ** 2 * q1 * (1 - q1)) / (labels.right + 2) +
    ((1 - center) ** 2 * q0 * (1 - q0)) / (labels.wrong + 2);
  // The shift undoes the pseudo-observations of the labels, which move the center towards their own rates.
  const shift =
    2 *
    z *
    z *
    ((-(1 - center) * (q0 * (1 - q0))) / (labels.wrong + 2) + (center * q1 * (1 - q1)) / (labels.right + 2));
  const margin = (z * Math.sqrt(variance)) / (q1 + q0 - 1);
  return {
    rate: clamp(correct(accepted / judged, sensitivity, specificity)),
    interval: { low: clamp(center + shift - margin), high: clamp(center + shift + margin) },
    sensitivity,
    specificity,
  };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
