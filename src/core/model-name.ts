import { InputError } from "./failures/errors.ts";

/** A model as users name it: "provider/model". The model's own name may contain slashes. */
export interface ModelName {
  readonly provider: string;
  readonly model: string;
}

/** The model's own name becomes part of queue names, lane names and Redis keys. */
export const MODEL_NAME_PATTERN = /^[\w./:@+~-]{1,128}$/;

/** Splits "provider/model" at the first slash; undefined when a part is missing. */
export function parseModelName(fullName: string): ModelName | undefined {
  const slash = fullName.indexOf("/");
  if (slash <= 0 || slash === fullName.length - 1) return undefined;
  return { provider: fullName.slice(0, slash), model: fullName.slice(slash + 1) };
}

/** As `parseModelName`; throws InputError when a part is missing. */
export function requireModelName(fullName: string): ModelName {
  const name = parseModelName(fullName);
  if (name === undefined) throw new InputError(`model must be "provider/model", not "${fullName.slice(0, 100)}"`);
  return name;
}
