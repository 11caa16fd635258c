import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { asObject, parseBody } from "#src/simulator/server/endpoint.ts";

/** One version of the simulated chat API. */
export interface SimulatedVersion {
  readonly path: string;
  readonly domains: readonly string[];
  readonly maxTokens: number;
  readonly contextTokens: number;
  readonly maxTemperature: number;
  readonly system: boolean;
  readonly functions: boolean;
}

export const VERSIONS: readonly SimulatedVersion[] = [
  version("/v1.1/chat", ["lite", "general"], 4096, 8192),
  version("/v2.1/chat", ["generalv2"], 8192, 8192),
  version("/v3.1/chat", ["generalv3"], 8192, 8192),
  version("/chat/pro-128k", ["pro-128k"], 4096, 131_072),
  { ...version("/v3.5/chat", ["generalv3.5"], 8192, 8192), system: true, functions: true },
  { ...version("/chat/max-32k", ["max-32k"], 8192, 32_768), system: true, functions: true },
  { ...version("/v4.0/chat", ["4.0Ultra"], 8192, 32_768), system: true, functions: true },
  { ...version("/v1/x1", ["x1", "spark-x"], 32_768, 65_536), system: true, maxTemperature: 2 },
];

function version(path: string, domains: readonly string[], maxTokens: number, contextTokens: number): SimulatedVersion {
  return { path, domains, maxTokens, contextTokens, maxTemperature: 1, system: false, functions: false };
}

export interface SparkChatRequest {
  readonly uid: string | undefined;
  /** Contents of all messages, in order. */
  readonly texts: readonly string[];
  readonly question: string;
  readonly promptTokens: number;
  readonly questionTokens: number;
  readonly maxTokens: number;
  /** Name of the first function offered. */
  readonly functionName: string | undefined;
}

export interface FrameProblem {
  readonly code: number;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parses a request frame as strictly as the provider. */
export function checkFrame(text: Buffer, appId: string, simulated: SimulatedVersion): SparkChatRequest | FrameProblem {
  const body = parseBody(text);
  if (!body) return { code: 10003, message: "message format error: not a JSON object" };
  const header = asObject(body.header);
  const chat = asObject(asObject(body.parameter)?.chat);
  const payload = asObject(body.payload);
  const messages = readMessages(asObject(payload?.message)?.text);
  if (!header || !chat || !messages)
    return { code: 10004, message: "schema error: header, parameter.chat or payload.message.text" };
  return (
    checkHeader(header, appId) ??
    checkParameters(chat, simulated) ??
    checkRoles(messages, simulated) ??
    readChatRequest(header, chat, messages, payload, simulated)
  );
}

interface Message {
  readonly role: string;
  readonly content: string;
}

function readMessages(value: unknown): readonly Message[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const valid = value.every((one) => typeof asObject(one)?.content === "string" && typeof one.role === "string");
  return valid ? (value as Message[]) : undefined;
}

function checkHeader(header: Fields, appId: string): FrameProblem | undefined {
  const { app_id: given, uid } = header;
  if (typeof given !== "string" || given.length > 8)
    return { code: 10004, message: "schema error: header.app_id must be a string of at most 8 characters" };
  if (uid !== undefined && (typeof uid !== "string" || uid.length > 32))
    return { code: 10004, message: "schema error: header.uid must be a string of at most 32 characters" };
  return given === appId ? undefined : { code: 11200, message: "AppIdNoAuthError" };
}

function checkParameters(chat: Fields, simulated: SimulatedVersion): FrameProblem | undefined {
  const { domain, temperature, top_k: topK, max_tokens: maxTokens } = chat;
  if (typeof domain !== "string" || !simulated.domains.includes(domain))
    return { code: 10005, message: "parameter value error: domain does not belong to this path" };
  if (
    temperature !== undefined &&
    !(typeof temperature === "number" && temperature > 0 && temperature <= simulated.maxTemperature)
  )
    return { code: 10005, message: `parameter value error: temperature must be in (0,${simulated.maxTemperature}]` };
  if (topK !== undefined && !isIntegerIn(topK, 1, 6))
    return { code: 10005, message: "parameter value error: top_k must be in [1,6]" };
  if (maxTokens !== undefined && !isIntegerIn(maxTokens, 1, simulated.maxTokens))
    return {
      code: 10005,
      message: `parameter value error: max_tokens must be in [1,${simulated.maxTokens}]`,
    };
  return undefined;
}

function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function checkRoles(messages: readonly Message[], { system }: SimulatedVersion): FrameProblem | undefined {
  for (const [index, { role }] of messages.entries()) {
    if (role === "user" || role === "assistant") continue;
    if (role === "system" && system && index === 0) continue;
    return { code: 10004, message: "schema error: a role is not allowed here" };
  }
  return undefined;
}

function readChatRequest(
  header: Fields,
  chat: Fields,
  messages: readonly Message[],
  payload: Fields | undefined,
  simulated: SimulatedVersion,
): SparkChatRequest | FrameProblem {
  const texts = messages.map(({ content }) => content);
  const promptTokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  if (promptTokens > simulated.contextTokens)
    return { code: 10907, message: "token count of the conversation is over the limit" };
  const offered = asObject(payload?.functions)?.text;
  const name = Array.isArray(offered) ? asObject(offered[0])?.name : undefined;
  if (offered !== undefined && (!simulated.functions || typeof name !== "string"))
    return { code: 10004, message: "schema error: payload.functions" };
  const question = texts.at(-1) ?? "";
  return {
    uid: typeof header.uid === "string" ? header.uid : undefined,
    texts,
    question,
    promptTokens,
    questionTokens: countTokens(question),
    maxTokens: typeof chat.max_tokens === "number" ? chat.max_tokens : Math.min(4096, simulated.maxTokens),
    functionName: typeof name === "string" ? name : undefined,
  };
}
