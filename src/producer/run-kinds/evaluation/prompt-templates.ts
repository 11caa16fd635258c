import * as z from "zod";
import { LiquidTemplates, TemplateError } from "#src/evaluation/liquid-templates.ts";
import type { EvaluationPrompt } from "./spec/evaluation-spec.ts";

export interface ChatPromptMessage {
  readonly role: string;
  readonly content: unknown;
}

export interface TemplateProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Renders the templates of prompts for rows of datasets. */
export class PromptTemplates extends LiquidTemplates {
  /** Problems of the syntax of a prompt's templates. */
  check(prompt: EvaluationPrompt): TemplateProblem[] {
    const problems: TemplateProblem[] = [];
    const visit = (value: unknown, path: readonly PropertyKey[]) => {
      if (typeof value === "string") {
        const message = this.findSyntaxProblem(value);
        if (message !== undefined) problems.push({ path, message });
      } else if (Array.isArray(value)) for (const [i, one] of value.entries()) visit(one, [...path, i]);
      else if (typeof value === "object" && value !== null)
        for (const [key, one] of Object.entries(value)) visit(one, [...path, key]);
    };
    visit({ system: prompt.system, user: prompt.user, messages: prompt.messages }, []);
    return problems;
  }

  /** The messages of a prompt for one row. Throws a TemplateError, whose message names the field that is missing. */
  renderPrompt(prompt: EvaluationPrompt, fields: Readonly<Record<string, unknown>>): ChatPromptMessage[] {
    if (typeof prompt.messages === "string") return readMessages(prompt.messages, fields);
    if (prompt.messages) {
      return prompt.messages.map((message) => this.#renderDeep(message, fields) as ChatPromptMessage);
    }
    const system = prompt.system === undefined ? [] : [{ role: "system", content: this.render(prompt.system, fields) }];
    return [...system, { role: "user", content: this.render(prompt.user ?? "", fields) }];
  }

  /** Renders all texts in a value, such as the parts of a message with images. */
  #renderDeep(value: unknown, fields: Readonly<Record<string, unknown>>): unknown {
    if (typeof value === "string") return this.render(value, fields);
    if (Array.isArray(value)) return value.map((one) => this.#renderDeep(one, fields));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#renderDeep(one, fields)]));
  }
}

const messagesSchema = z.union([
  z
    .string()
    .min(1)
    .transform((content) => [{ role: "user", content }]),
  z.array(z.looseObject({ role: z.string(), content: z.unknown() })).min(1),
]);

/** The messages in a field: a list, or a text as the only message. Their texts are no templates. */
function readMessages(field: string, fields: Readonly<Record<string, unknown>>): ChatPromptMessage[] {
  if (!Object.hasOwn(fields, field)) throw new TemplateError(`the row has no field ${JSON.stringify(field)}`);
  const { success, data } = messagesSchema.safeParse(fields[field]);
  if (!success) throw new TemplateError(`the field ${JSON.stringify(field)} contains no chat messages`);
  return data;
}
