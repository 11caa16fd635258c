import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** Reads the fields of one object of a request and collects everything that is wrong with them. */
export class FieldReader {
  readonly problems: string[] = [];
  readonly #fields: JsonObject;
  readonly #path: string;
  readonly #known = new Set<string>();

  constructor(fields: JsonObject, path = "") {
    this.#fields = fields;
    this.#path = path;
  }

  addProblem(name: string, message: string): void {
    this.problems.push(`"${this.#path}${name}" ${message}`);
  }

  /** Returns an own field; undefined for null, which OpenAI's clients send for an absent value. */
  value(name: string): unknown {
    this.#known.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === null ? undefined : value;
  }

  /** Whether a field is present and null. */
  isNull(name: string): boolean {
    return Object.hasOwn(this.#fields, name) && this.#fields[name] === null;
  }

  text(name: string): string | undefined {
    return this.#check(name, "a string", (value) => typeof value === "string");
  }

  number(name: string): number | undefined {
    return this.#check(name, "a number", (value) => typeof value === "number");
  }

  integer(name: string, minimum: number): number | undefined {
    const expected = minimum > 0 ? `a whole number from ${minimum}` : "a whole number";
    return this.#check(
      name,
      expected,
      (value): value is number => Number.isSafeInteger(value) && Number(value) >= minimum,
    );
  }

  list(name: string): readonly unknown[] | undefined {
    return this.#check(name, "a list", (value) => Array.isArray(value));
  }

  object(name: string): JsonObject | undefined {
    return this.#check(name, "an object", isObject);
  }

  /** Names of the fields that were not read, in their order; fields that are null do not count. */
  unreadFields(): string[] {
    return Object.keys(this.#fields).filter(
      (name) => !this.#known.has(name) && this.#fields[name] !== null && name !== "__proto__",
    );
  }

  #check<T>(name: string, expected: string, isValid: (value: unknown) => value is T): T | undefined {
    const value = this.value(name);
    if (value === undefined || isValid(value)) return value;
    this.addProblem(name, FIELD_PROBLEMS.wrongType(expected, describeValue(value)));
    return undefined;
  }
}

/** Describes a value for a message: numbers and booleans as they are, otherwise only the type, to quote no text. */
export function describeValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
