import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { coerceError } from "#src/core/failures/errors.ts";

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** A problem of a value with its path, or undefined if the value is valid. */
export type SchemaCheck = (value: unknown) => string | undefined;

/**
 * Compiles a JSON Schema of draft 2020-12, or of draft 7 if its `$schema` says so. Formats are not checked. Throws an Error for what
 * is no such schema: unknown keywords, which may be typing errors, and references to what it does not contain.
 */
export function compileSchema(schema: JsonSchema): SchemaCheck {
  const isDraft7 = typeof schema === "object" && /draft-0[67]/.test(String(schema["$schema"]));
  const ajv = new (isDraft7 ? Ajv : Ajv2020)({
    strictSchema: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    validateFormats: false,
    // 0.3 is a multiple of 0.1.
    multipleOfPrecision: 9,
    // A name such as "toString" is a property only if the value has it itself.
    ownProperties: true,
    logger: false,
  });
  const check = ajv.compile(schema);
  return (value) => {
    try {
      if (check(value)) return undefined;
    } catch (error) {
      // A schema that refers to itself without end overflows the stack.
      return `cannot be checked: ${coerceError(error).message}`;
    }
    const [{ instancePath, message } = { instancePath: "", message: undefined }] = check.errors ?? [];
    return `$${instancePath.replaceAll("/", ".")} ${message ?? "is not valid"}`;
  };
}
