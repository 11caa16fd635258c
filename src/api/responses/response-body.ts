import * as z from "zod";

const object = z.looseObject({});

/** The parameters of OpenAI's Responses API. Those that have no counterpart are checked where the request is translated. */
export const responseBody = z.looseObject({
  model: z.string().min(1).max(400).describe('"provider/model", or the name of a model that only one provider has'),
  input: z.union([z.string(), z.array(object).min(1)]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().max(100).nullish().describe("Continue the conversation of this response"),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish().describe("Answer at once; read the response later"),
  store: z.boolean().nullish().describe("Whether the response can be read later and continued; by default true"),
  max_output_tokens: z.int().positive().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  tools: z.array(object).nullish(),
  tool_choice: z.union([z.string(), object]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: object.nullish(),
  reasoning: object.nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type ResponseBody = z.infer<typeof responseBody>;

/** `response` object of a tenant: what the item itself does not have. */
export const storedResponse = z.object({
  model: z.string(),
  createdAt: z.number(),
  isBackground: z.boolean(),
  previous: z.string().optional(),
  /** The input of this turn, in the form of items. */
  input: z.array(object),
  /** Parameters that the response repeats. */
  echo: object,
});
export type StoredResponse = z.infer<typeof storedResponse>;

const ECHOED = [
  "instructions",
  "max_output_tokens",
  "metadata",
  "parallel_tool_calls",
  "reasoning",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_p",
] as const;
const DEFAULTS = {
  metadata: {},
  parallel_tool_calls: true,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
};

/** The parameters that a response repeats, with OpenAI's values for absent ones. */
export function pickEchoed(body: ResponseBody): Readonly<Record<string, unknown>> {
  const given = ECHOED.map((name) => [name, body[name] ?? null] as const).filter(([, value]) => value !== null);
  const absent = ECHOED.map((name) => [name, null] as const);
  return { ...Object.fromEntries(absent), ...DEFAULTS, ...Object.fromEntries(given) };
}

/** The input as items with ids; a text is a message of the user. */
export function toInputItems(input: ResponseBody["input"], id: string): Readonly<Record<string, unknown>>[] {
  const items = typeof input === "string" ? [{ role: "user", content: [{ type: "input_text", text: input }] }] : input;
  return items.map((item, index) => ({ type: "message", id: `item_${id}_${index}`, status: "completed", ...item }));
}
