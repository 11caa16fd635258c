import { z } from "zod";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { type CheckedCall, type Endpoint, jsonResponse, parseBody } from "#src/simulator/server/endpoint.ts";

const part = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string().min(1) }),
  z.strictObject({ type: z.literal("image_url"), image_url: z.strictObject({ url: z.string().min(1) }) }),
]);
type Part = z.infer<typeof part>;
const bodySchema = z.strictObject({
  model: z.string().min(1).default("omni-moderation-latest"),
  input: z.union([z.string(), z.array(z.string()).min(1), z.array(part).min(1)]),
});

const CATEGORIES = ["harassment", "hate", "illicit", "self-harm", "sexual", "violence"];

/** Each text of a list has a result of its own; parts have one together. Texts with the word of a category are flagged. */
export function createModerationEndpoint(apiKey: string): Endpoint<CheckedCall & { readonly model: string }> {
  let count = 0;
  const refuse = (status: number, message: string) => ({ refusal: errorResponse(status, message, null) });
  return {
    path: "/openai/v1/moderations",
    check: ({ headers, body }) => {
      if (headers.authorization !== `Bearer ${apiKey}`) return refuse(401, "incorrect API key");
      const { data, error } = bodySchema.safeParse(parseBody(body));
      if (!data) return refuse(400, `invalid value in ${error.issues[0]?.path.join(".")}`);
      if (!/moderation/.test(data.model)) return refuse(400, `the model ${data.model} is not for moderations`);
      const texts = toTexts(data.input);
      return {
        accepted: { texts, model: data.model, tokens: texts.reduce((sum, text) => sum + countTokens(text), 0) },
      };
    },
    throttle: (limit) => errorResponse(429, `rate limit reached for ${limit}`, "rate_limit_exceeded"),
    fail: (code, message) => errorResponse(500, message ?? `simulated failure ${code}`, String(code)),
    succeed: ({ texts, model }) =>
      jsonResponse(200, { id: `modr-simulated${count++}`, model, results: texts.map(moderate) }),
  };
}

function toTexts(input: string | readonly (string | Part)[]): readonly string[] {
  if (typeof input === "string") return [input];
  const texts = input.filter((entry) => typeof entry === "string");
  if (texts.length > 0) return texts;
  return [input.map((entry) => (typeof entry === "object" && entry.type === "text" ? entry.text : "")).join(" ")];
}

function moderate(text: string) {
  const entries = CATEGORIES.map((category) => [category, text.includes(category)] as const);
  return {
    flagged: entries.some(([, isFlagged]) => isFlagged),
    categories: Object.fromEntries(entries),
    category_scores: Object.fromEntries(entries.map(([category, isFlagged]) => [category, isFlagged ? 0.98 : 0.0001])),
    category_applied_input_types: Object.fromEntries(CATEGORIES.map((category) => [category, ["text"]])),
  };
}

function errorResponse(status: number, message: string, code: string | null) {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return jsonResponse(status, { error: { message, type, param: null, code } });
}
