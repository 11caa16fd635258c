import * as z from "zod";

const MAX_SAMPLES = 1_000;
/** Long enough for every sensible name; item ids contain the names of models and prompts. */
const MAX_NAME_CHARACTERS = 100;

const name = z.string().trim().min(1).max(MAX_NAME_CHARACTERS);
const field = z.string().min(1);

const datasetSchema = z.strictObject({
  /** Relative to the folder of the spec. */
  path: z.string().min(1),
  name: name.optional(),
  /** Field with the id of a row; rows without it are numbered by their line. */
  id: field.default("id"),
  /** Field with the expected answers (a text, a number, or a list of them), or a template that gives one. */
  target: z.union([field, z.array(field).min(1)]).optional(),
  /** Field whose equal values mark items that belong together, such as the questions about one text. */
  cluster: field.optional(),
  /** Fields by whose values scores are also reported. */
  groups: z.array(field).default([]),
  limit: z.int().min(1).optional(),
  /** Seed with which the `limit` rows are chosen at random; by default they are the first ones. */
  shuffle: z.int().optional(),
});

const messageSchema = z.looseObject({ role: z.string().min(1), content: z.unknown() });

const promptSchema = z
  .strictObject({
    name: name.optional(),
    system: z.string().optional(),
    user: z.string().optional(),
    /** Or the name of the field that contains them. */
    messages: z.union([field, z.array(messageSchema).min(1)]).optional(),
  })
  .refine(({ user, messages }) => (user === undefined) !== (messages === undefined), {
    message: 'expected either "user" or "messages"',
  })
  .refine(({ system, messages }) => system === undefined || messages === undefined, {
    message: 'expected "system" as one of the "messages"',
  });

const modelSchema = z.strictObject({
  /** "provider/model" */
  model: z.string().min(1),
  /** Name of the model in results; needed where a model occurs with several parameters. */
  label: name.optional(),
  /** Fields of OpenAI's request body, such as temperature and max_tokens. */
  parameters: z.record(z.string(), z.unknown()).default({}),
});

const scorerSchema = z.looseObject({ type: z.string().min(1) });

/** How the scores of the samples of one item become one: see `reduceScores`. */
const reductionSchema = z
  .string()
  .regex(/^(?:mean|majority|best|pass[@^][1-9]\d*)$/, "expected mean, majority, best, pass@K, or pass^K");

export const specSchema = z.strictObject({
  name: name.optional(),
  datasets: z.array(datasetSchema).min(1),
  prompts: z.array(promptSchema).min(1),
  models: z
    .array(
      z.union([
        z
          .string()
          .min(1)
          .transform((model) => ({ model, label: undefined, parameters: {} })),
        modelSchema,
      ]),
    )
    .min(1),
  /** Answers per item, model, and prompt. */
  samples: z.int().min(1).max(MAX_SAMPLES).default(1),
  /** By name. A text is the type of a scorer without options. */
  scorers: z
    .record(
      name,
      z.union([
        z
          .string()
          .min(1)
          .transform((type) => ({ type })),
        scorerSchema,
      ]),
    )
    .refine((scorers) => Object.keys(scorers).length > 0, { message: "expected at least one scorer" }),
  reduce: reductionSchema.default("mean"),
  /** Label of the model that the others are compared with. */
  baseline: z.string().optional(),
  /** Confidence of intervals. */
  confidence: z.number().gt(0.5).lt(1).default(0.95),
});

export type SpecContent = z.output<typeof specSchema>;
export type SpecDataset = SpecContent["datasets"][number];
export type SpecPrompt = SpecContent["prompts"][number];
