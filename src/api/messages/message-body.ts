import * as z from "zod";

const block = z.looseObject({ type: z.string() });

/** The parameters of Anthropic's Messages API. Those that have no counterpart are checked where the request is translated. */
export const messageBody = z.looseObject({
  model: z.string().min(1).max(400).describe('"provider/model", or the name of a model that only one provider has'),
  max_tokens: z.int().positive().describe("Longest answer, in tokens"),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["user", "assistant", "system"]),
        content: z.union([z.string(), z.array(block)]),
      }),
    )
    .min(1),
  system: z.union([z.string(), z.array(block)]).nullish(),
  stream: z.boolean().nullish().describe("Send the answer as server-sent events while it is generated"),
  stop_sequences: z.array(z.string()).nullish(),
  tools: z.array(z.looseObject({})).nullish(),
  tool_choice: z.looseObject({ type: z.string() }).nullish(),
});

/** The parameters that decide how many tokens a request has. */
export const countBody = messageBody.omit({ max_tokens: true, stream: true });
