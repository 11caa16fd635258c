import { Liquid, type Template } from "liquidjs";
import * as z from "zod";
import { coerceError } from "#src/core/failures/errors.ts";
import type { EvaluationPrompt } from "./spec/evaluation-spec.ts";

/** Limits of one template, far above what a prompt needs; liquidjs counts characters, ms, and steps that need memory. */
const LIMITS = { parseLimit: 1_000_000, renderLimit: 5_000, memoryLimit: 10_000_000 };

export interface ChatPromptMessage {
  readonly role: string;
  readonly content: unknown;
}

export interface TemplateProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * Renders Liquid templates, which cannot run code. They see only the fields of a row, and no file: `include`, `render` and
 * `layout` find nothing. A field that a row does not have is an error.
 */
export class PromptTemplates {
  readonly #engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    jsTruthy: false,
    // Without the file system, no template is found by name.
    templates: {},
    ...LIMITS,
  });
  readonly #parsed = new Map<string, Template[]>();

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

  findSyntaxProblem(template: string): string | undefined {
    try {
      this.#parse(template);
      return undefined;
    } catch (error) {
      return `not a valid template: ${describeTemplateError(error)}`;
    }
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

  render(template: string, fields: Readonly<Record<string, unknown>>): string {
    try {
      return String(this.#engine.renderSync(this.#parse(template), fields));
    } catch (error) {
      throw new TemplateError(describeTemplateError(error));
    }
  }

  /** Renders all texts in a value, such as the parts of a message with images. */
  #renderDeep(value: unknown, fields: Readonly<Record<string, unknown>>): unknown {
    if (typeof value === "string") return this.render(value, fields);
    if (Array.isArray(value)) return value.map((one) => this.#renderDeep(one, fields));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#renderDeep(one, fields)]));
  }

  #parse(template: string): Template[] {
    const known = this.#parsed.get(template);
    if (known) return known;
    const parsed = this.#engine.parse(template);
    this.#parsed.set(template, parsed);
    return parsed;
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

/** A template that cannot be rendered for a row. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** The engine's message without the excerpt of the template, and without the position, which refers to the template alone. */
function describeTemplateError(error: unknown): string {
  const [first = ""] = coerceError(error).message.split("\n");
  const missing = /^undefined variable: ([\w.[\]"'-]+)/.exec(first)?.[1];
  if (missing !== undefined) return `the row has no field "${missing}"`;
  return first.replace(/, (?:file:.*, )?line:\d+, col:\d+$/, "").slice(0, 200);
}
