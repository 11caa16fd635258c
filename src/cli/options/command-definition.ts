import type { CommandLine } from "#src/producer/runs/command-line.ts";
import type { HelpGroup } from "./help-groups.ts";

/** One option of a command; `T` is the type of its value, including undefined where it may be absent. */
export interface OptionDefinition<T> {
  readonly description: string;
  /** Name of the value in the help, such as "n"; absent for a switch. */
  readonly placeholder?: string;
  /** `--cache [dir]`: the option is valid with and without a value. */
  readonly isValueOptional?: boolean;
  /** `--no-chunk`: the option switches a default off. */
  readonly isNegated?: boolean;
  readonly isRequired?: boolean;
  readonly isHidden?: boolean;
  /** A one-letter form, such as "k". */
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly defaultValue?: T;
  /** Throws Commander's InvalidArgumentError when the text is not valid. */
  readonly parse?: (text: string) => T;
  /** Heading of the options in the help that this one belongs to. */
  readonly group?: string;
}

/** Options by the name of their property: `maxTokens` is `--max-tokens`. */
export type OptionTable = Readonly<Record<string, OptionDefinition<unknown>>>;

/** One positional argument; `T` is the type of its value. */
export interface ArgumentDefinition<T> {
  readonly name: string;
  readonly description: string;
  readonly arity: "required" | "optional" | "variadic";
  /** Only for the type. */
  readonly example?: T;
}

type ArgumentTable = readonly ArgumentDefinition<unknown>[];

export interface CommandDefinition<A extends ArgumentTable = ArgumentTable, O extends OptionTable = OptionTable> {
  readonly name: string;
  readonly group: HelpGroup;
  /** One line for the list of commands, without a full stop. */
  readonly summary: string;
  /** The first paragraph of the command's own help. */
  readonly description: string;
  readonly arguments: A;
  readonly options: O;
  /** Command lines that work as printed; a test parses them. */
  readonly examples: readonly string[];
}

/** Options of every command. */
export interface GlobalOptions {
  /** Settings file to read instead of ./sluice.yaml. */
  readonly config: string | undefined;
  /** The command line itself; a run records it. */
  readonly commandLine: CommandLine;
}

type ArgumentValues<A extends ArgumentTable> = {
  -readonly [K in keyof A]: A[K] extends ArgumentDefinition<infer T> ? T : never;
};

/** The option values that a command's action receives, derived from its definition. */
export type OptionValues<D extends { readonly options: OptionTable }> = GlobalOptions & {
  readonly [K in keyof D["options"]]: D["options"][K] extends OptionDefinition<infer T> ? T : never;
};

/** Runs a command and resolves with the exit code of the process. */
export type CommandAction<D extends CommandDefinition> = (
  ...args: [...ArgumentValues<D["arguments"]>, OptionValues<D>]
) => Promise<number>;

/** Returns the definition as it is; only its type is inferred. */
export function defineCommand<const A extends ArgumentTable, const O extends OptionTable>(
  definition: CommandDefinition<A, O>,
): CommandDefinition<A, O> {
  return definition;
}

/** "maxTokens" -> "--max-tokens" */
export function formatOptionName(key: string, isNegated = false): string {
  return `--${isNegated ? "no-" : ""}${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A switch that is off by default. */
export function flag(description: string): OptionDefinition<boolean> {
  return { description, defaultValue: false };
}

/** `--no-...`: a switch that is on by default. */
export function negatedFlag(description: string): OptionDefinition<boolean> {
  return { description, isNegated: true };
}

/** An option with a value that may be absent. */
export function value(placeholder: string, description: string): OptionDefinition<string | undefined>;
export function value<T>(
  placeholder: string,
  description: string,
  parse: (text: string) => T,
): OptionDefinition<T | undefined>;
export function value(
  placeholder: string,
  description: string,
  parse?: (text: string) => unknown,
): OptionDefinition<unknown> {
  return { placeholder, description, parse };
}

/** An option with one or more values that may be absent. */
export function values(placeholder: string, description: string): OptionDefinition<string[] | undefined> {
  return { placeholder: `${placeholder}...`, description };
}

/** An option with a value and a default. */
export function valueOr(defaultValue: string, placeholder: string, description: string): OptionDefinition<string>;
export function valueOr<T>(
  defaultValue: T,
  placeholder: string,
  description: string,
  parse: (text: string) => T,
): OptionDefinition<T>;
export function valueOr(
  defaultValue: unknown,
  placeholder: string,
  description: string,
  parse?: (text: string) => unknown,
): OptionDefinition<unknown> {
  return { defaultValue, placeholder, description, parse };
}

/** An option that the command cannot do without. */
export function requiredValue(placeholder: string, description: string): OptionDefinition<string> {
  return { placeholder, description: `${description} (required)`, isRequired: true };
}

/** One of several words; the first is the default. */
export function choiceOption<const T extends string>(
  placeholder: string,
  description: string,
  choices: readonly [T, ...T[]],
): OptionDefinition<T> {
  return { placeholder, description, choices, defaultValue: choices[0] };
}

/** `--cache [dir]`: true when it is given without a value. */
export function optionalValue(placeholder: string, description: string): OptionDefinition<string | true | undefined> {
  return { placeholder, description, isValueOptional: true };
}

/** Puts all options of a table under one heading of the help. */
export function inGroup<T extends OptionTable>(group: string, table: T): T {
  const grouped = Object.entries(table).map(([name, option]) => [name, { ...option, group }]);
  return Object.fromEntries(grouped) as T;
}

export function argument(name: string, description: string): ArgumentDefinition<string> {
  return { name, description, arity: "required" };
}

export function optionalArgument(name: string, description: string): ArgumentDefinition<string | undefined> {
  return { name, description, arity: "optional" };
}

/** One or more values. */
export function variadicArgument(name: string, description: string): ArgumentDefinition<string[]> {
  return { name, description, arity: "variadic" };
}
