import { confirm, isCancel } from "@clack/prompts";
import { CLI_ERRORS } from "#src/cli/messages.ts";

/**
 * Asks in the terminal whether to do what `question` says. Without a terminal, throws a RunError that names `action`, such
 * as "removes runs".
 */
export async function confirmInTerminal(question: string, action: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw CLI_ERRORS.needsConfirmation(action);
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  return !isCancel(answer) && answer;
}
