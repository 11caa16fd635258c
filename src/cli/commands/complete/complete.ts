import { script } from "@bomb.sh/tab";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import { BASH_SCRIPT } from "./bash-script.ts";
import { SHELLS } from "./definition.ts";

/** `sluice complete SHELL`: prints the script, which calls `sluice complete -- WORDS` when Tab is pressed. */
export async function runComplete(shell: string): Promise<number> {
  if (!SHELLS.some((known) => known === shell)) throw CLI_ERRORS.unknownShell(shell, SHELLS);
  if (shell === "bash") process.stdout.write(`${BASH_SCRIPT}\n`);
  else script(shell, "sluice", "sluice");
  return EXIT_CODES.ok;
}
