import { coerceError, errorCode } from "./failures/errors.ts";

/** Replaces control and bidirectional characters, with which a settings file could manipulate the terminal. */
export function printable(textWithControls: string): string {
  return textWithControls.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}

/** "providers.minimax.accounts[1].name"; keys with special characters are quoted. */
export function formatPath(path: readonly PropertyKey[]): string {
  let out = "";
  for (const step of path) {
    if (typeof step === "number") out += `[${step}]`;
    else if (/^[\w-]+$/.test(String(step))) out += `${out === "" ? "" : "."}${String(step)}`;
    else out += `[${JSON.stringify(printable(String(step)).slice(0, 60))}]`;
  }
  return out;
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "is a folder",
};

/** Why a file cannot be read, without its path. */
export function describeReadError(thrown: unknown): string {
  const code = errorCode(thrown);
  return READ_ERRORS[code ?? ""] ?? code ?? coerceError(thrown).name;
}
