import { z } from "zod";
import { scored, scoringError } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import type { CallResources, ScorerCall } from "#src/evaluation/scorer-call.ts";
import { defineScorer, NO_TARGET } from "#src/evaluation/scorers/define-scorer.ts";
import { findAllAnswers, MISSING_CALL, requireModel } from "./call-answers.ts";

export function createSimilarScorer(resources: CallResources): ScorerType {
  return defineScorer({
    type: "similar",
    summary: "Cosine similarity of the embeddings of the answer and of the best target; 0 if it is negative.",
    range: "fraction",
    extracts: true,
    options: {
      model: z.string().min(1).describe("embedding model, `provider/model`"),
      dimensions: z.int().positive().optional().describe("length of the vectors; by default that of the model"),
    },
    create({ model, dimensions }) {
      const body = dimensions === undefined ? {} : { dimensions };
      const name = requireModel(resources, model, "embedding", { path: ["model"], body });
      const toCall = (input: string): ScorerCall => ({
        endpoint: "/v1/embeddings",
        model: name,
        body: { ...body, input },
      });
      return {
        calls: (text, { targets }) => (targets.length === 0 ? [] : [text, ...targets].map(toCall)),
        score(text, { targets }) {
          if (targets.length === 0) return NO_TARGET;
          const answers = findAllAnswers(resources, [text, ...targets].map(toCall));
          if (answers === undefined) return MISSING_CALL;
          const vectors = answers.flatMap((answer) => (answer.status === "embedded" ? [answer.vector] : []));
          const [own, ...others] = vectors;
          if (own === undefined || vectors.length < answers.length)
            return scoringError("the embedding of the answer or of a target failed");
          const similarity = Math.max(...others.map((other) => computeCosine(own, other)));
          return Number.isFinite(similarity)
            ? scored(Math.min(1, Math.max(0, similarity)))
            : scoringError("the vectors have no direction, or different lengths");
        },
      };
    },
  });
}

/** NaN for vectors of different lengths, and for those of length 0. */
function computeCosine(a: Float32Array, b: Float32Array): number {
  let [dot, lengthA, lengthB] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? Number.NaN;
    dot += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return a.length === b.length ? dot / Math.sqrt(lengthA * lengthB) : Number.NaN;
}
