import { Liquid, type Template } from "liquidjs";
import { coerceError } from "#src/core/failures/errors.ts";

/** Limits of one template, far above what a prompt needs; liquidjs counts characters, ms, and steps that need memory. */
const LIMITS = { parseLimit: 1_000_000, renderLimit: 5_000, memoryLimit: 10_000_000 };

/**
 * Renders Liquid templates, which cannot run code. They see only the fields that they are given, and no file: `include`, `render`
 * and `layout` find nothing. A field that does not exist is an error.
 */
export class LiquidTemplates {
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

  findSyntaxProblem(template: string): string | undefined {
    try {
      this.#parse(template);
      return undefined;
    } catch (error) {
      return `not a valid template: ${describeTemplateError(error)}`;
    }
  }

  /** Throws a TemplateError, whose message names the field that is missing. */
  render(template: string, fields: Readonly<Record<string, unknown>>): string {
    try {
      return String(this.#engine.renderSync(this.#parse(template), fields));
    } catch (error) {
      throw new TemplateError(describeTemplateError(error));
    }
  }

  #parse(template: string): Template[] {
    const known = this.#parsed.get(template);
    if (known) return known;
    const parsed = this.#engine.parse(template);
    this.#parsed.set(template, parsed);
    return parsed;
  }
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
