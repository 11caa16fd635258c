import { flag, value } from "./command-definition.ts";

/** How evaluations are compared. */
export const COMPARISON_OPTIONS = {
  model: value("label", "compare only this model of the other folders"),
  baselineModel: value("label", "compare with this model of the baseline (default: the one with the same label)"),
  allowDifferentDatasets: flag("compare rows of the same id although the contents of the dataset differ"),
};
