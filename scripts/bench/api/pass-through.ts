// A server that only passes requests on with undici, to compare the HTTP API with. Runs in a child process.
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Agent, request } from "undici";
import { registerChild } from "../cleanup.ts";

export interface PassThrough {
  readonly url: string;
  stop(): void;
}

export async function startPassThrough(upstream: string): Promise<PassThrough> {
  const child = registerChild(fork(fileURLToPath(import.meta.url), [upstream]));
  const port = await new Promise((resolve) => child.once("message", resolve));
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill("SIGKILL") };
}

function serve(upstream: string): void {
  const dispatcher = new Agent({ connections: 512 });
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { statusCode, headers, body } = await request(`${upstream}${incoming.url}`, {
      dispatcher,
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: String(incoming.headers.authorization),
      },
      body: Buffer.concat(chunks),
    });
    outgoing.writeHead(statusCode, { "content-type": String(headers["content-type"]) });
    body.pipe(outgoing);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.(typeof address === "object" ? address?.port : 0);
  });
}

if (import.meta.main) serve(process.argv[2] ?? "");
