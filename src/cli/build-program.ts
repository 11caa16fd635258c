import { type Argument, Command, createArgument, Option } from "commander";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { describeCommandLine } from "./describe-command-line.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { CLI_ERRORS } from "./messages.ts";
import {
  type ArgumentDefinition,
  type CommandAction,
  type CommandDefinition,
  formatOptionName,
  type OptionDefinition,
} from "./options/command-definition.ts";
import { HELP_GROUPS } from "./options/help-groups.ts";
import { readVersion } from "./version.ts";

/** A command whose definition and action fit together; only `bindCommand` makes them. */
export interface BoundCommand {
  readonly definition: CommandDefinition;
  readonly load: () => Promise<(...args: readonly unknown[]) => Promise<number>>;
}

/** `load` imports the code of the command only when it runs, because `sluice --help` has to answer at once. */
export function bindCommand<D extends CommandDefinition>(
  definition: D,
  load: () => Promise<CommandAction<D>>,
): BoundCommand {
  // Commander returns untyped values, but it parsed them by this definition.
  return { definition, load: load as unknown as BoundCommand["load"] };
}

const HELP_FOOTER = `
Exit codes:
  0    all items succeeded
  1    some items failed; for verify: the output is incomplete or changed; for
       compare: a gate failed
  2    could not start or had to stop
  3    a provider asked for a longer wait than --max-wait allows
  130  interrupted

Configuration: environment variables, .env, and sluice.yaml. "${SUGGESTED_COMMANDS.doctor()}"
checks them.`;

/** Parses a command line and runs its command, with `overrides` in place of its own options. Resolves with the exit code. */
export async function runCommandLine(
  commands: readonly BoundCommand[],
  args: readonly string[],
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  const onExit = (code: number) => {
    exitCode = code;
  };
  await buildProgram(commands, onExit, { args, overrides }).parseAsync(joinCommandName(commands, args), {
    from: "user",
  });
  return exitCode;
}

/**
 * "runs", "rm" -> "runs rm": the parser knows commands with a name of two words only as one word. Throws an InputError when the
 * second word is missing or unknown, and the first is no command by itself.
 */
export function joinCommandName(commands: readonly BoundCommand[], args: readonly string[]): string[] {
  const names = commands.map(({ definition }) => definition.name);
  const first = args.findIndex((arg, at) => arg !== "help" && !arg.startsWith("-") && args[at - 1] !== "--config");
  const name = args.slice(first, first + 2).join(" ");
  if (first >= 0 && names.includes(name)) return args.toSpliced(first, 2, name);
  const word = args[first] ?? "";
  const seconds = names.filter((each) => each.startsWith(`${word} `)).map((each) => each.slice(word.length + 1));
  if (seconds.length > 0 && !names.includes(word)) throw CLI_ERRORS.incompleteCommand(word, seconds);
  return [...args];
}

/** What runs is parsed from `args`; options in `overrides` are used instead of those in it. */
interface Invocation {
  readonly args: readonly string[];
  readonly overrides: Readonly<Record<string, unknown>>;
}

/** The parser of the command line; `onExit` receives the exit code of the command that ran. */
export function buildProgram(
  commands: readonly BoundCommand[],
  onExit: (code: number) => void,
  invocation: Invocation = { args: [], overrides: {} },
): Command {
  const program = new Command("sluice")
    .description(
      "Runs LLM jobs in bulk: every provider up to its limit and never beyond the limits that you set, every item exactly once.",
    )
    .version(readVersion(), "-V, --version", "print the version")
    .option("--config <file>", "settings file to read instead of ./sluice.yaml")
    .helpOption("-h, --help", "show this help")
    .addHelpCommand(
      new Command("help").argument("[command]").summary("Show the help of a command").helpGroup("Operate:"),
    )
    .configureHelp({ subcommandTerm: formatCommandTerm, showGlobalOptions: true })
    .showHelpAfterError(`(run "${SUGGESTED_COMMANDS.help()}" for a list of commands)`)
    .addHelpText("after", HELP_FOOTER)
    .exitOverride();
  const ordered = HELP_GROUPS.flatMap((group) => commands.filter(({ definition }) => definition.group === group));
  for (const command of ordered) addCommand(program, command, onExit, invocation);
  return program;
}

function addCommand(
  program: Command,
  { definition, load }: BoundCommand,
  onExit: (code: number) => void,
  { args, overrides }: Invocation,
): void {
  const { name, group, summary, description, examples } = definition;
  const command = program
    // Commander would split a name of two words.
    .command(name.replace(" ", "-"))
    .name(name)
    .helpGroup(`${group}:`)
    .summary(summary)
    .description(description)
    .showHelpAfterError(`(run "${SUGGESTED_COMMANDS.help(name)}" for its options)`)
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ ${example}`).join("\n")}`)
    .exitOverride();
  for (const argument of definition.arguments) command.addArgument(toArgument(argument));
  for (const [key, option] of Object.entries(definition.options)) {
    command.addOption(toOption(key, option));
    if (option.defaultValue === false) command.setOptionValueWithSource(key, false, "default");
  }
  command.action(async () => {
    const run = await load();
    const parsed = command.opts();
    const commandLine = describeCommandLine(definition, args, command.processedArgs, parsed);
    const options = { ...parsed, ...program.opts(), ...overrides, commandLine };
    onExit(await run(...command.processedArgs, options));
  });
}

/** "embed <path...>" */
function formatCommandTerm(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? ` <${name}>` : ` [${name}]`;
  });
  return command.name() + names.join("");
}

function toArgument({ name, description, arity }: ArgumentDefinition<unknown>): Argument {
  const forms = { required: `<${name}>`, optional: `[${name}]`, variadic: `<${name}...>` };
  return createArgument(forms[arity], description);
}

function toOption(key: string, definition: OptionDefinition<unknown>): Option {
  const { placeholder, isValueOptional, isNegated, short, choices, parse, group } = definition;
  const shown = placeholder === undefined ? "" : isValueOptional ? ` [${placeholder}]` : ` <${placeholder}>`;
  const long = `${formatOptionName(key, isNegated)}${shown}`;
  const option = new Option(short === undefined ? long : `-${short}, ${long}`, definition.description);
  option.makeOptionMandatory(definition.isRequired === true).hideHelp(definition.isHidden === true);
  if (group !== undefined) option.helpGroup(group);
  if (choices) option.choices(choices);
  if (parse) option.argParser(parse);
  // The help would show "(default: false)" beside every switch.
  return definition.defaultValue === false ? option : option.default(definition.defaultValue);
}
