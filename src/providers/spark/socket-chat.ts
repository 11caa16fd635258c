import { randomUUID } from "node:crypto";
import { reduceChat } from "#src/providers/chat-accumulator.ts";
import { checkEncoding } from "#src/providers/check-encoding.ts";
import type { Call, ChatEvent, ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { classifySparkResponse } from "./classify-error.ts";
import { clampMaxTokens, encodeChatRequest, listSparkAdjustments } from "./encode-request.ts";
import { createFrameReducer } from "./frame-reducer.ts";
import { SPARK_BASE_URL, SPARK_NAME, type SparkVersion } from "./profile.ts";
import { type SparkCredentials, signUrl } from "./sign-request.ts";
import { SignedEndpoint } from "./signed-endpoint.ts";

interface SocketAccount extends SparkCredentials {
  readonly appId: string;
  readonly baseUrl: string;
}

type OpenSocket = NonNullable<Transport["openSocket"]>;

/** Chat over WebSocket, with one signed connection per call. */
export function createSocketChat(version: SparkVersion, account: SocketAccount, open: OpenSocket): ChatModel {
  const endpoint = new SignedEndpoint("GET", account.baseUrl, version.path, SPARK_BASE_URL);
  async function* stream(request: ChatRequest, call: Call): AsyncGenerator<ChatEvent> {
    const uid = randomUUID().replaceAll("-", "");
    const message = encodeChatRequest(version, request, { appId: account.appId, uid });
    const frames = await connect(account, endpoint, open, message, call);
    const reducer = createFrameReducer({ maxTokens: clampMaxTokens(version, request) });
    for await (const event of reduceChat(frames, reducer)) {
      call.onAlive?.();
      yield event;
    }
  }
  return {
    check: (request) => {
      const encode = () => encodeChatRequest(version, request, { appId: account.appId, uid: "" });
      return checkEncoding(encode, listSparkAdjustments(version, request));
    },
    stream,
    async generate(request, call) {
      let response: ChatResponse | undefined;
      for await (const event of stream(request, call)) if (event.type === "end") response = event.response;
      if (response) return response;
      // A stream ends with `end` or throws. Without either, report an incomplete answer.
      const { finish, initial } = createFrameReducer();
      return finish(initial);
    },
  };
}

/** Connects with a signature. After a 401, the next possible target of the endpoint is tried; see SignedEndpoint. */
async function connect(
  account: SocketAccount,
  endpoint: SignedEndpoint,
  open: OpenSocket,
  message: string,
  call: Call,
): Promise<AsyncIterable<readonly string[]>> {
  let failure: unknown;
  for (const target of endpoint.targets) {
    const now = Date.now();
    const url = signUrl(endpoint.url, target, account, now);
    const answer = await open({ provider: SPARK_NAME, url, message }, call);
    if ("frames" in answer) {
      endpoint.confirm(target);
      return answer.frames;
    }
    failure = classifySparkResponse(answer.refusal, now);
    if (answer.refusal.status !== 401) break;
  }
  throw failure;
}
