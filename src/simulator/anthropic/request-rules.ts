import { createHmac } from "node:crypto";
import { asObject } from "#src/simulator/server/endpoint.ts";
import type { AnthropicRequest, RequestBlock } from "./request-schema.ts";

interface Turn {
  readonly role: "user" | "assistant";
  readonly blocks: readonly RequestBlock[];
}

/** The conversation with texts as blocks, and messages of one role in a row as one turn. */
export function readTurns({ messages }: AnthropicRequest): readonly Turn[] {
  const turns: { role: Turn["role"]; blocks: RequestBlock[] }[] = [];
  for (const { role, content } of messages) {
    const blocks: RequestBlock[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else turns.push({ role, blocks: [...blocks] });
  }
  return turns;
}

/** The signature of simulated thinking, without which it does not come back. */
export function signThinking(thinking: string): string {
  return createHmac("sha256", "simulated thinking").update(thinking).digest("base64");
}

/** 4.5 for "claude-haiku-4-5"; models without a number are new. */
export function generationOf(model: string): number {
  const found = /-(\d)(?:-(\d))?(?:-|$)/.exec(model);
  return found ? Number(found[1]) + Number(found[2] ?? 0) / 10 : 99;
}

/** What Anthropic refuses beyond the forms of the fields; undefined for an acceptable request. */
export function findRuleProblem(request: AnthropicRequest, version: string): string | undefined {
  const turns = readTurns(request);
  return (
    findSamplingProblem(request, version) ??
    findThinkingProblem(request) ??
    findTurnProblem(request.model, turns) ??
    turns.map((turn, index) => findToolProblem(turns, turn, index)).find((problem) => problem !== undefined) ??
    (request.tool_choice && !request.tools?.length
      ? "tool_choice may only be specified while providing tools"
      : undefined) ??
    findSchemaProblem(request.output_config?.format?.schema)
  );
}

function findSamplingProblem({ model, ...fields }: AnthropicRequest, version: string): string | undefined {
  const { temperature, top_p: topP, top_k: topK } = fields;
  const given = Object.entries({ temperature, top_p: topP, top_k: topK }).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (version !== "2023-06-01" && first) return `${first[0]}: Extra inputs are not permitted`;
  const refused = given.find(([name, value]) => name === "top_k" || value !== 1);
  if (generationOf(model) > 4.65 && refused) return `\`${refused[0]}\` is deprecated for this model.`;
  if (temperature !== undefined && topP !== undefined)
    return "`temperature` and `top_p` cannot both be specified for this model. Please use only one.";
  const maximum = generationOf(model) >= 4.55 ? 128_000 : 64_000;
  return fields.max_tokens > maximum ? `max_tokens: ${fields.max_tokens} > ${maximum}` : undefined;
}

function findThinkingProblem(request: AnthropicRequest): string | undefined {
  const { thinking, model, max_tokens: maxTokens, temperature = 1, tool_choice: choice } = request;
  const generation = generationOf(model);
  if (request.output_config?.effort && generation < 4.5) return "This model does not support the effort parameter.";
  if (!thinking || thinking.type === "disabled") return undefined;
  if (thinking.type === "adaptive" && generation < 4.6) return "adaptive thinking is not supported on this model";
  if (thinking.type === "enabled" && generation > 4.65)
    return '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".';
  if (thinking.type === "enabled" && thinking.budget_tokens >= maxTokens)
    return "`max_tokens` must be greater than `thinking.budget_tokens`";
  if (temperature !== 1) return "`temperature` may only be set to 1 when thinking is enabled";
  return choice?.type === "any" || choice?.type === "tool"
    ? "Thinking may not be enabled when tool_choice forces tool use."
    : undefined;
}

function findTurnProblem(model: string, turns: readonly Turn[]): string | undefined {
  if (turns[0]?.role !== "user") return 'messages: first message must use the "user" role';
  const last = turns.at(-1);
  if (last?.role !== "assistant") return undefined;
  if (generationOf(model) > 4.55)
    return "This model does not support assistant message prefill. The conversation must end with a user message.";
  const final = last.blocks.at(-1);
  return final?.type === "text" && /\s$/.test(final.text)
    ? "messages: final assistant content cannot end with trailing whitespace"
    : undefined;
}

/** Calls and results belong to neighbouring turns, results come first, and thinking is unchanged. */
function findToolProblem(turns: readonly Turn[], { role, blocks }: Turn, index: number): string | undefined {
  const at = `messages.${index}`;
  const before = turns[index - 1]?.blocks.flatMap((block) => (block.type === "tool_use" ? [block.id] : [])) ?? [];
  const results = blocks.flatMap((block) => (block.type === "tool_result" ? [block.tool_use_id] : []));
  const allowed =
    role === "user"
      ? ["text", "image", "document", "tool_result"]
      : ["text", "thinking", "redacted_thinking", "tool_use"];
  const misplaced = blocks.find(({ type }) => !allowed.includes(type));
  if (misplaced) return `${at}: \`${misplaced.type}\` blocks are not allowed in messages of this role`;
  if (results.some((id) => !before.includes(id)))
    return `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`;
  if (before.some((id) => !results.includes(id)))
    return `${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after`;
  if (blocks.findLastIndex(({ type }) => type === "tool_result") !== results.length - 1)
    return `${at}: \`tool_result\` blocks must come first in the content`;
  const isForged = blocks.some(
    (block) => block.type === "thinking" && block.signature !== signThinking(block.thinking),
  );
  return isForged ? `${at}: Invalid \`signature\` in \`thinking\` block` : undefined;
}

/** Structured output needs closed objects. */
function findSchemaProblem(schema: unknown): string | undefined {
  const { type, additionalProperties, properties, items } = asObject(schema) ?? {};
  if (type === "object" && additionalProperties !== false)
    return "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false";
  return [...Object.values(asObject(properties) ?? {}), ...(items === undefined ? [] : [items])]
    .map(findSchemaProblem)
    .find((problem) => problem !== undefined);
}
