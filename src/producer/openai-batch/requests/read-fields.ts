import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** Reads the fields of one object of a request and remembers everything that is wrong with them. */
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

  /** An own field that is there; OpenAI's clients send null for what they leave out. */
  value(name: string): unknown {
    this.#known.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === null ? undefined : value;
  }

  text(name: string): string | undefined {
    return this.#check(name, "a string", (value) => typeof value === "string");
  }

  number(name: string): number | undefined {
    return this.#check(name, "a number", (value) => typeof value === "number");
  }

  integer(name: string, minimum: number): number | undefined {
    const expected = minimum > 0 ? `a whole number from ${minimum}` : "a whole number";
    return this.#check(name, expected, (value) => Number.isSafeInteger(value) && Number(value) >= minimum);
  }

  list(name: string): readonly unknown[] | undefined {
    return this.#check(name, "a list", Array.isArray);
  }

  object(name: string): JsonObject | undefined {
    return this.#check(name, "an object", isObject);
  }

  /** Names of fields that nobody has asked for, in the order they stand there; fields without a value are none. */
  unreadFields(): string[] {
    return Object.keys(this.#fields).filter(
      (name) => !this.#known.has(name) && this.#fields[name] !== null && name !== "__proto__",
    );
  }

  #check<T>(name: string, expected: string, isValid: (value: unknown) => boolean): T | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (isValid(value)) return value as T;
    this.addProblem(name, `must be ${expected}, not ${describeValue(value)}`);
    return undefined;
  }
}

/** A value in a message: figures as they are, of everything else the type only, for it may be somebody's text. */
export function describeValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
