import { z } from "zod";

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, "Base64 decoding failed");
const struct = z.record(z.string(), z.unknown());
const functionName = z.string().regex(/^[a-zA-Z_][\w.:-]{0,127}$/);

/** One of the fields with data must be set, which `findContentProblem` checks. */
const part = z.strictObject({
  text: z.string().optional(),
  inlineData: z.strictObject({ mimeType: z.string(), data: base64 }).optional(),
  fileData: z.strictObject({ mimeType: z.string().optional(), fileUri: z.string() }).optional(),
  functionCall: z.strictObject({ id: z.string().optional(), name: functionName, args: struct.optional() }).optional(),
  functionResponse: z
    .strictObject({
      id: z.string().optional(),
      name: functionName,
      response: struct,
      parts: z.array(z.unknown()).optional(),
    })
    .optional(),
  thought: z.boolean().optional(),
  thoughtSignature: base64.optional(),
});

const content = z.strictObject({ role: z.enum(["user", "model"]).optional(), parts: z.array(part).min(1) });

const declaration = z.strictObject({
  name: functionName,
  description: z.string().optional(),
  parameters: struct.optional(),
  parametersJsonSchema: z.looseObject({ type: z.literal("object") }).optional(),
});

const generationConfig = z.strictObject({
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  maxOutputTokens: z.int().min(1).max(65_536).optional(),
  stopSequences: z.array(z.string().min(1)).max(5).optional(),
  candidateCount: z.literal(1).optional(),
  seed: z.int().optional(),
  presencePenalty: z.number().min(-2).lt(2).optional(),
  frequencyPenalty: z.number().min(-2).lt(2).optional(),
  responseLogprobs: z.boolean().optional(),
  logprobs: z.int().min(0).max(20).optional(),
  responseMimeType: z.enum(["text/plain", "application/json"]).optional(),
  responseJsonSchema: struct.optional(),
  thinkingConfig: z
    .strictObject({
      includeThoughts: z.boolean().optional(),
      thinkingBudget: z.int().min(-1).max(32_768).optional(),
      thinkingLevel: z.enum(["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]).optional(),
    })
    .optional(),
});

/** The body of `generateContent`. Google's JSON parser refuses every field that it does not know. */
export const generateSchema = z.strictObject({
  contents: z.array(content).min(1),
  systemInstruction: z
    .strictObject({ role: z.string().optional(), parts: z.array(z.strictObject({ text: z.string() })).min(1) })
    .optional(),
  tools: z.array(z.strictObject({ functionDeclarations: z.array(declaration).min(1) })).optional(),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z.strictObject({
        mode: z.enum(["AUTO", "ANY", "NONE", "VALIDATED"]).optional(),
        allowedFunctionNames: z.array(functionName).optional(),
      }),
    })
    .optional(),
  safetySettings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).optional(),
  generationConfig: generationConfig.optional(),
  cachedContent: z.string().optional(),
  serviceTier: z.enum(["standard", "flex", "priority"]).optional(),
});

export type GenerateRequest = z.output<typeof generateSchema>;
export type RequestContent = z.output<typeof content>;

const embedding = z.strictObject({
  model: z.string().optional(),
  content: z.strictObject({
    role: z.string().optional(),
    parts: z.array(z.strictObject({ text: z.string().min(1) })).min(1),
  }),
  taskType: z
    .enum([
      "RETRIEVAL_QUERY",
      "RETRIEVAL_DOCUMENT",
      "SEMANTIC_SIMILARITY",
      "CLASSIFICATION",
      "CLUSTERING",
      "QUESTION_ANSWERING",
      "FACT_VERIFICATION",
      "CODE_RETRIEVAL_QUERY",
    ])
    .optional(),
  title: z.string().optional(),
  outputDimensionality: z.int().min(1).max(3072).optional(),
});

export const embedSchema = embedding;
/** Every request of a batch names the model. */
export const batchEmbedSchema = z.strictObject({
  requests: z
    .array(embedding.required({ model: true }))
    .min(1)
    .max(100, "at most 100 requests can be in one batch"),
});

/** A problem as Google's APIs describe it. */
export function describeSchemaProblem({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.join(".") ?? "";
  return issue?.code === "unrecognized_keys"
    ? `Invalid JSON payload received. Unknown name "${issue.keys[0]}" at '${path}': Cannot find field.`
    : `Invalid value at '${path}': ${issue?.message}`;
}
