import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
/**
 * Everything that can be wrong with a line of a batch file. No message quotes text of the request. A message about a
 * field follows the field's quoted name.
 */
export const LINE_PROBLEMS = {
  notAnObject: (found: string) => `expected an object with custom_id, method, url and body, got ${found}`,
  noModel: 'no model: set "model" in the body, or use --model',
  unknownModel: (name: string, suggestions: readonly string[]) => {
    const hint =
      suggestions.length > 0
        ? `did you mean ${suggestions.join(" or ")}?`
        : `run "${SUGGESTED_COMMANDS.models()}" to list the models`;
    return `${JSON.stringify(name.slice(0, 200))} is not a known model; ${hint}`;
  },
  wrongModelKind: (model: string, kind: string, endpoint: string, expected: string) =>
    `${model} is a model for ${kind}, and ${endpoint} needs one for ${expected}`,
  invalidBody: (path: string) => `the body has an invalid value in ${path}`,
} as const;

export const FIELD_PROBLEMS = {
  missing: "is missing",
  empty: "is empty",
  unknown: "is not a field of a request",
  unsupported: "is not supported",
  wrongType: (expected: string, found: string) => `must be ${expected}, not ${found}`,
  invalidCharacters: "contains an unpaired surrogate or a NUL character",
  tooLong: (characters: number, limit: number) => `has ${characters} characters; the limit is ${limit}`,
  notPost: 'must be "POST"',
  notOneOf: (values: readonly string[]) => `must be one of ${values.join(", ")}`,
  notEndpoint: (endpoints: readonly string[]) => `must be ${endpoints.join(" or ")}`,
  rerank: 'is not for batch files: the command "rerank" ranks documents',
  unknownHost: "must be a path, or the URL of a provider that Sluice knows",
  noModerations: (provider: string) =>
    `is for moderation, which ${provider} does not offer: name a model of OpenAI or of a provider under "compatible"`,
  missingObject: "must be an object, and is missing",
  stream: "must be false or absent: a batch contains complete answers",
  streamOptions: "is not supported: a batch contains complete answers",
  choices: (limit: number) => `must be at most ${limit}`,
  functions: 'is not supported; use "tools"',
  functionCall: 'is not supported; use "tool_choice"',
  modalities: 'must be ["text"] or absent',
  stop: "must be a string or a list of strings",
  noMessages: "must be a list of at least one message",
  toolCallId: "is missing: it names the call that the message answers",
  content: 'must be a string or a list of parts that have a "type"',
  toolCalls: "must each have an id and a function with a name and arguments as text",
  encoding: 'must be "float" or "base64"',
  tokenInput: "must be texts, or lists of one or more token ids: whole numbers from 0",
  noTokenIds: (model: string) => `must be text: ${model} does not accept token ids`,
  integerEncoding: 'must be "float" for vectors of integers',
  inputCount: (limit: number) => `must be a string or a list of 1 to ${limit} strings`,
  emptyInput: "must have no empty text",
  unpairedSurrogate: "contains an unpaired surrogate (invalid Unicode)",
} as const;
