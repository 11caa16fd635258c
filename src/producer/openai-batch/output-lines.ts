import { hash } from "node:crypto";
import type { Failure, FailureKind } from "#src/core/item.ts";

/** Which request of which run a line of the output is about. */
export interface OutputLineKey {
  readonly run: string;
  /** Of the request's first item. */
  readonly index: number;
  readonly customId: string;
}

/** What stands in `response` when the request itself was refused, as OpenAI answers such requests. */
const REJECTED_REQUEST_CODES: Partial<Record<FailureKind, { readonly code: string }>> = {
  "invalid-request": { code: "invalid_request" },
  "too-long": { code: "context_length_exceeded" },
  "content-filter": { code: "content_filter" },
};

/** The same request of the same run has the same id, however often its line is written. */
export function requestId({ run, index }: OutputLineKey): string {
  return hash("sha256", `${run}\u0000${index}`, "hex").slice(0, 32);
}

/** The start and the end of a line of `output.jsonl`; the response's body stands between them. */
export function buildOutputLineParts(line: OutputLineKey, upstreamId: string | undefined): readonly [string, string] {
  const id = requestId(line);
  const { customId } = line;
  const head = JSON.stringify({ id: `batch_req_${id}`, custom_id: customId }).slice(0, -1);
  const request = JSON.stringify(upstreamId ?? id);
  return [`${head},"response":{"status_code":200,"request_id":${request},"body":`, '},"error":null}\n'];
}

/**
 * A line of `errors.jsonl`. A request that the provider refused for what it asks has a response that says so, and no
 * `error`; of anything else that kept a request from its answer, `error` tells.
 */
export function formatErrorLine(line: OutputLineKey, { kind, message, code }: Failure): string {
  const id = requestId(line);
  const refusal = REJECTED_REQUEST_CODES[kind];
  const base = { id: `batch_req_${id}`, custom_id: line.customId };
  if (!refusal) {
    const error = {
      code: kind.replaceAll("-", "_"),
      message: code === undefined ? message : `${message} (${code})`,
    };
    return `${JSON.stringify({ ...base, response: null, error })}\n`;
  }
  const error = { message, type: "invalid_request_error", param: null, code: code ?? refusal.code };
  const response = { status_code: 400, request_id: id, body: { error } };
  return `${JSON.stringify({ ...base, response, error: null })}\n`;
}
