import { plural } from "./plural.ts";

/** Texts of the page of evaluations, and of the scores of a run. */
export const evaluationsEn = {
  evaluations: {
    none: "No evaluation has been scored yet.",
    latest: "Latest scores",
    latestNote:
      "Each score comes from the latest evaluation of its model that includes it, and has a confidence interval.",
    over: "Scores over time",
    all: (count: string) => plural(count, "evaluation", "evaluations"),
    scores: "Scores",
    notScoredYet: "The answers are scored when all of them have arrived.",
    about: "Dataset, scorer",
    prompt: (name: string) => `prompt ${name}`,
    name: "Name",
    models: "Models",
    model: "Model",
    samples: "Samples",
    score: "Score",
    interval: "Interval",
    items: "Items",
    unparseable: "Unparseable",
    unanswered: "Unanswered",
    errors: "Errors",
    cost: "Cost",
    scoredAt: "Scored",
    range: (low: string, high: string) => `${low} to ${high}`,
    withoutScore: (count: string, total: string) => `${count} of ${total} without a score`,
  },
};
