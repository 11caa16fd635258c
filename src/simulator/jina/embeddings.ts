import { z } from "zod";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import type { SimulatedVectorStore } from "#src/simulator/answers/vector-store.ts";
import {
  type CheckedCall,
  corruptVectors,
  type Endpoint,
  jsonResponse,
  parseBody,
} from "#src/simulator/server/endpoint.ts";

const MAX_INPUTS = 512;
const DIMENSIONS = 1024;

const bodySchema = z.strictObject({
  model: z.string().regex(/^jina-(embeddings|clip|code-embeddings)-/),
  input: z.array(z.string().min(1)).min(1).max(MAX_INPUTS),
  task: z.string().optional(),
  dimensions: z.int().min(1).max(DIMENSIONS).default(DIMENSIONS),
  embedding_type: z.enum(["float", "binary", "ubinary"]).default("float"),
  normalized: z.boolean().default(true),
  truncate: z.boolean().default(false),
  late_chunking: z.boolean().default(false),
});
type Call = CheckedCall & z.infer<typeof bodySchema>;

/** Jina's embeddings. The type of the values is `embedding_type`; `encoding_format` is an unknown field. */
export function createJinaEmbeddingEndpoint(apiKey: string, vectors: SimulatedVectorStore): Endpoint<Call> {
  const refuse = (status: number, detail: string) => ({ refusal: jsonResponse(status, { detail }) });
  return {
    path: "/jina/v1/embeddings",
    limitKey: () => "/jina/v1/embeddings",
    check: ({ headers, body }) => {
      if (headers.authorization !== `Bearer ${apiKey}`) return refuse(401, "invalid api key");
      const { data, error } = bodySchema.safeParse(parseBody(body));
      if (!data) return refuse(422, `${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
      const tokens = data.input.reduce((sum, text) => sum + countTokens(text), 0);
      return { accepted: { ...data, texts: data.input, tokens } };
    },
    throttle: () => jsonResponse(429, { detail: "Rate limit exceeded, please try again later" }),
    fail: (code, message) => jsonResponse(code, { detail: message ?? "simulated failure" }),
    succeed: ({ model, texts, tokens, dimensions, embedding_type: type }, mode, defect) => {
      const embeddings =
        type === "float"
          ? corruptVectors(vectors.print(texts, mode, dimensions), defect).map((each) => JSON.parse(each.toString()))
          : texts.map((text) => packBits(toFloats(embedText(text, dimensions)), type === "binary"));
      const data = embeddings.map((embedding, index) => ({ object: "embedding", index, embedding }));
      return jsonResponse(200, { model, object: "list", usage: { total_tokens: tokens, prompt_tokens: tokens }, data });
    },
  };
}

/** One bit per value, 1 if it is positive; signed bytes are less by 128. */
function packBits(floats: Float32Array, isSigned: boolean): number[] {
  const bytes = Array.from({ length: floats.length / 8 }, (_, byte) =>
    floats.subarray(byte * 8, byte * 8 + 8).reduce((sum, value) => sum * 2 + (value > 0 ? 1 : 0), 0),
  );
  return isSigned ? bytes.map((byte) => byte - 128) : bytes;
}
