import { CommanderError } from "commander";
import { COMMANDS } from "./bind-commands.ts";
import { runCommandLine } from "./build-program.ts";
import { describeError, EXIT_CODES } from "./exit-codes.ts";
import { exitOnClosedPipe } from "./exit-on-closed-pipe.ts";

/** Parses the command line and runs one command; the exit code says how it ended. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  exitOnClosedPipe();
  if (argv[2] === "complete" && argv[3] === "--") {
    const { completeWords } = await import("./commands/complete/complete-words.ts");
    return await completeWords(
      COMMANDS.map(({ definition }) => definition),
      argv.slice(4),
    );
  }
  try {
    process.exitCode = await runCommandLine(COMMANDS, argv.slice(2));
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.couldNotComplete;
      return;
    }
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = EXIT_CODES.couldNotComplete;
  }
}
