import type { Readable, Writable } from "node:stream";
import { isCancel, multiselect, password, text } from "@clack/prompts";

/** Where questions are asked. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/** Asks which providers to set up. All questions resolve with undefined if the user presses Ctrl-C. */
export async function askProviders(
  names: readonly string[],
  terminal: Terminal,
): Promise<readonly string[] | undefined> {
  const answer = await multiselect({
    message: "Which providers do you use? (space selects, Enter confirms)",
    options: names.map((value) => ({ value })),
    required: true,
    ...terminal,
  });
  return isCancel(answer) ? undefined : answer;
}

/** Asks for an API key, without showing it. Empty if the user sets the variable elsewhere. */
export async function askKey(provider: string, variable: string, terminal: Terminal): Promise<string | undefined> {
  const message = `API key of ${provider} (empty: I set ${variable} myself)`;
  const answer = await password({ message, ...terminal });
  return isCancel(answer) ? undefined : (answer ?? "").trim();
}

/** Asks for the limit of an account. */
export async function askLimit(
  provider: string,
  terminal: Terminal,
): Promise<{ readonly requestsPerMinute?: number } | undefined> {
  const answer = await text({
    message: `Requests per minute that ${provider} allows you (empty: its usual limits)`,
    validate: (value) => (/^(?:[1-9]\d{0,8})?$/.test(value?.trim() ?? "") ? undefined : "Enter a whole number."),
    ...terminal,
  });
  if (isCancel(answer)) return undefined;
  const given = (answer ?? "").trim();
  return given === "" ? {} : { requestsPerMinute: Number(given) };
}
