import { isDeepStrictEqual } from "node:util";

/** A JSON Schema, as far as `findUnsupportedKeyword` accepts it. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

const UNSUPPORTED = ["$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties", "dependencies"];
/** A deeper schema refers to itself without end. */
const MAX_DEPTH = 200;

/** The path of the first keyword that is not checked, or a reference that does not exist; undefined if there is none. */
export function findUnsupportedKeyword(schema: unknown): string | undefined {
  const walk = (value: unknown, path: string): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}/${key}`;
      if (UNSUPPORTED.includes(key)) return at;
      if (key === "$ref" && (typeof inner !== "string" || resolveReference(schema, inner) === undefined)) return at;
      const found =
        key === "enum" || key === "const" || key === "default" || key === "examples" ? undefined : walk(inner, at);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(schema, "#");
}

/**
 * Checks a value against a JSON Schema (draft 2020-12 without `format`, and with the array form of `items` of earlier drafts). Returns
 * the first problem with the path of the value; undefined if the value is valid.
 */
export function findSchemaProblem(root: JsonSchema, value: unknown): string | undefined {
  return new SchemaCheck(root).check(root, value, "$", 0);
}

type Keywords = Readonly<Record<string, unknown>>;

class SchemaCheck {
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  check(schema: unknown, value: unknown, path: string, depth: number): string | undefined {
    if (schema === false) return `${path} is not allowed`;
    if (typeof schema !== "object" || schema === null) return undefined;
    if (depth > MAX_DEPTH) return `${path}: the schema refers to itself without end`;
    const keywords = schema as Keywords;
    return (
      this.#checkReference(keywords, value, path, depth) ??
      checkAnyType(keywords, value, path) ??
      this.#checkCombinations(keywords, value, path, depth) ??
      (typeof value === "string" ? checkText(keywords, value, path) : undefined) ??
      (typeof value === "number" ? checkNumber(keywords, value, path) : undefined) ??
      (Array.isArray(value) ? this.#checkArray(keywords, value, path, depth) : undefined) ??
      (isObject(value) ? this.#checkObject(keywords, value, path, depth) : undefined)
    );
  }

  #isValid(schema: unknown, value: unknown, depth: number): boolean {
    return this.check(schema, value, "$", depth + 1) === undefined;
  }

  #checkReference({ $ref }: Keywords, value: unknown, path: string, depth: number): string | undefined {
    return typeof $ref === "string"
      ? this.check(resolveReference(this.#root, $ref), value, path, depth + 1)
      : undefined;
  }

  #checkCombinations(keywords: Keywords, value: unknown, path: string, depth: number): string | undefined {
    for (const each of asList(keywords["allOf"])) {
      const problem = this.check(each, value, path, depth + 1);
      if (problem !== undefined) return problem;
    }
    const count = (name: string) => asList(keywords[name]).filter((each) => this.#isValid(each, value, depth)).length;
    if (Array.isArray(keywords["anyOf"]) && count("anyOf") === 0) return `${path} matches no schema of anyOf`;
    if (Array.isArray(keywords["oneOf"]) && count("oneOf") !== 1)
      return `${path} matches ${count("oneOf")} schemas of oneOf`;
    if ("not" in keywords && this.#isValid(keywords["not"], value, depth)) return `${path} matches the schema of not`;
    if (!("if" in keywords)) return undefined;
    const branch = this.#isValid(keywords["if"], value, depth) ? keywords["then"] : keywords["else"];
    return this.check(branch, value, path, depth + 1);
  }

  #checkArray(keywords: Keywords, value: readonly unknown[], path: string, depth: number): string | undefined {
    const { items, minItems, maxItems, uniqueItems, contains, minContains = 1, maxContains } = keywords;
    if (isBelow(value.length, minItems)) return `${path} has fewer than ${minItems} items`;
    if (isAbove(value.length, maxItems)) return `${path} has more than ${maxItems} items`;
    if (uniqueItems === true && value.some((a, i) => value.slice(0, i).some((b) => isDeepStrictEqual(a, b))))
      return `${path} has equal items`;
    const first = asList(keywords["prefixItems"] ?? items);
    const rest = Array.isArray(items) ? keywords["additionalItems"] : items;
    for (const [i, each] of value.entries()) {
      const problem = this.check(i < first.length ? first[i] : rest, each, `${path}[${i}]`, depth + 1);
      if (problem !== undefined) return problem;
    }
    if (contains === undefined) return undefined;
    const found = value.filter((each) => this.#isValid(contains, each, depth)).length;
    return isBelow(found, minContains) || isAbove(found, maxContains)
      ? `${path} has ${found} items that match contains`
      : undefined;
  }

  #checkObject(keywords: Keywords, value: Keywords, path: string, depth: number): string | undefined {
    const names = Object.keys(value);
    if (isBelow(names.length, keywords["minProperties"]))
      return `${path} has fewer than ${keywords["minProperties"]} properties`;
    if (isAbove(names.length, keywords["maxProperties"]))
      return `${path} has more than ${keywords["maxProperties"]} properties`;
    const dependent = Object.entries(asObject(keywords["dependentRequired"])).flatMap(([name, others]) =>
      name in value ? asList(others) : [],
    );
    const missing = [...asList(keywords["required"]), ...dependent].find(
      (name) => typeof name === "string" && !Object.hasOwn(value, name),
    );
    if (missing !== undefined) return `${path} lacks the property "${missing}"`;
    for (const [name, schema] of Object.entries(asObject(keywords["dependentSchemas"]))) {
      const problem = Object.hasOwn(value, name) ? this.check(schema, value, path, depth + 1) : undefined;
      if (problem !== undefined) return problem;
    }
    for (const name of names) {
      const problem = this.#checkProperty(keywords, name, value[name], `${path}.${name}`, depth);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #checkProperty(keywords: Keywords, name: string, value: unknown, path: string, depth: number): string | undefined {
    const own = asObject(keywords["properties"]);
    const schemas = [
      ...(Object.hasOwn(own, name) ? [own[name]] : []),
      ...Object.entries(asObject(keywords["patternProperties"])).flatMap(([pattern, schema]) =>
        new RegExp(pattern, "u").test(name) ? [schema] : [],
      ),
    ];
    if (schemas.length === 0) schemas.push(keywords["additionalProperties"]);
    for (const schema of schemas) {
      const problem = this.check(schema, value, path, depth + 1);
      if (problem !== undefined) return problem;
    }
    return this.#isValid(keywords["propertyNames"], name, depth)
      ? undefined
      : `${path}: the name does not match propertyNames`;
  }
}

function checkAnyType(keywords: Keywords, value: unknown, path: string): string | undefined {
  const { type } = keywords;
  const types = typeof type === "string" ? [type] : asList(type);
  if (types.length > 0 && !types.some((each) => hasType(value, each)))
    return `${path} is not of type ${types.join(" or ")}`;
  const allowed = keywords["enum"];
  if (Array.isArray(allowed) && !allowed.some((each) => isDeepStrictEqual(each, value)))
    return `${path} is not a value of enum`;
  return "const" in keywords && !isDeepStrictEqual(keywords["const"], value)
    ? `${path} is not equal to const`
    : undefined;
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return type === "object" ? isObject(value) : typeof value === type;
}

function checkText({ minLength, maxLength, pattern }: Keywords, value: string, path: string): string | undefined {
  const length = [...value].length;
  if (isBelow(length, minLength)) return `${path} is shorter than ${minLength}`;
  if (isAbove(length, maxLength)) return `${path} is longer than ${maxLength}`;
  return typeof pattern === "string" && !new RegExp(pattern, "u").test(value)
    ? `${path} does not match the pattern`
    : undefined;
}

function checkNumber(keywords: Keywords, value: number, path: string): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywords;
  if (isBelow(value, minimum) || isBelow(value, exclusiveMinimum) || value === exclusiveMinimum)
    return `${path} is too small`;
  if (isAbove(value, maximum) || isAbove(value, exclusiveMaximum) || value === exclusiveMaximum)
    return `${path} is too large`;
  if (typeof multipleOf !== "number") return undefined;
  const quotient = value / multipleOf;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 ? undefined : `${path} is not a multiple of ${multipleOf}`;
}

/** "#", "#/$defs/name"; undefined if there is no such schema. */
function resolveReference(root: unknown, reference: string): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  return reference
    .slice(2)
    .split("/")
    .map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>(
      (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
      root,
    );
}

function isBelow(value: number, limit: unknown): boolean {
  return typeof limit === "number" && value < limit;
}

function isAbove(value: number, limit: unknown): boolean {
  return typeof limit === "number" && value > limit;
}

function isObject(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asObject(value: unknown): Keywords {
  return isObject(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
