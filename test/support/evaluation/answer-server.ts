import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

/** The answer to one question: a text, a refusal, or an error. */
export type ScriptedAnswer =
  | { readonly text: string }
  | { readonly refusal: string }
  | { readonly status: number; readonly code: string };

export interface AnswerServer extends AsyncDisposable {
  /** Of an OpenAI-compatible API. */
  readonly baseUrl: string;
  readonly calls: () => number;
  /** Calls from number `count` on wait until the returned function is called. */
  hold(count: number): () => void;
}

const bodySchema = z.object({ model: z.string(), messages: z.array(z.object({ content: z.string() })) });
const embeddingSchema = z.object({ input: z.array(z.string()).or(z.string()) });

/**
 * Starts an OpenAI-compatible server that answers the last message of each request as `answer` says. The embedding of a text counts
 * its letters "a" and "b".
 */
export async function startAnswerServer(
  answer: (question: string, model: string) => ScriptedAnswer,
): Promise<AnswerServer> {
  let calls = 0;
  let [heldFrom, release] = [Number.POSITIVE_INFINITY, Promise.withResolvers<void>()];
  const server = createServer((request, response) => {
    void readBody(request).then(async (text) => {
      calls += 1;
      if (calls >= heldFrom) await release.promise;
      if (request.url?.endsWith("/embeddings")) {
        const { input } = embeddingSchema.parse(JSON.parse(text));
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(toEmbeddings(input)));
        return;
      }
      const { model, messages } = bodySchema.parse(JSON.parse(text));
      const found = answer(messages.at(-1)?.content ?? "", model);
      const [status, body] = "status" in found ? [found.status, toError(found)] : [200, toCompletion(found, model)];
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: () => calls,
    hold(count) {
      [heldFrom, release] = [count, Promise.withResolvers()];
      const { resolve } = release;
      return () => {
        heldFrom = Number.POSITIVE_INFINITY;
        resolve();
      };
    },
    async [Symbol.asyncDispose]() {
      release.resolve();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

function toError({ code }: { readonly code: string }) {
  return { error: { message: "this request cannot be answered", type: "invalid_request_error", code } };
}

function toCompletion(found: { readonly text: string } | { readonly refusal: string }, model: string) {
  const message = "text" in found ? { content: found.text } : { content: null, refusal: found.refusal };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    model,
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop" }],
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
  };
}

function toEmbeddings(input: readonly string[] | string) {
  const texts = [input].flat();
  const data = texts.map((text, index) => {
    const embedding = ["a", "b"].map((letter) => text.split(letter).length - 1);
    return { object: "embedding", index, embedding };
  });
  return { object: "list", data, usage: { prompt_tokens: texts.length, total_tokens: texts.length } };
}
