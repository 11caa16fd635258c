import * as z from "zod";

/**
 * The metadata of an item of an evaluation: one answer (sample) of one model to one row of a dataset. The text of the item is the
 * request.
 */
export const sampleMetadataSchema = z.object({
  /** "provider/model" */
  model: z.string(),
  /** Name of the model in results. */
  label: z.string(),
  dataset: z.string(),
  /** Id of the row. */
  item: z.string(),
  prompt: z.string(),
  /** 1 to the number of samples. */
  sample: z.int(),
  /** Absent if the row is a cluster of its own. */
  cluster: z.string().optional(),
  /** Values of the group fields, by field. */
  groups: z.record(z.string(), z.string()).optional(),
  targets: z.array(z.string()),
  /** The row. */
  fields: z.record(z.string(), z.unknown()),
});

export type SampleMetadata = z.infer<typeof sampleMetadataSchema>;
