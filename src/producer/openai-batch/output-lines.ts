import { hash } from "node:crypto";
import { appendProviderText } from "#src/core/failures/provider-text.ts";
import type { Failure, FailureKind } from "#src/core/item.ts";

/** Identifies the request that a line of the output belongs to. */
export interface OutputLineKey {
  readonly run: string;
  /** Index of the request's first item. */
  readonly index: number;
  readonly customId: string;
}

/** Error codes of OpenAI for requests that were rejected because of their contents. */
const REJECTED_REQUEST_CODES: Partial<Record<FailureKind, string>> = {
  "invalid-request": "invalid_request",
  "too-long": "context_length_exceeded",
  "content-filter": "content_filter",
};

/** Computes the id of a request; it is the same each time the line is written. */
export function computeRequestId({ run, index }: OutputLineKey): string {
  return hash("sha256", `${run}\u0000${index}`, "hex").slice(0, 32);
}

/** Builds the parts of a line of `output.jsonl` before and after the body of the response. */
export function buildOutputLineParts(line: OutputLineKey, upstreamId: string | undefined): readonly [string, string] {
  const id = computeRequestId(line);
  const head = JSON.stringify({ id: `batch_req_${id}`, custom_id: line.customId }).slice(0, -1);
  const request = JSON.stringify(upstreamId ?? id);
  return [`${head},"response":{"status_code":200,"request_id":${request},"body":`, '},"error":null}\n'];
}

/**
 * Formats a line of `errors.jsonl`. A request that the provider rejected because of its contents has a `response` with
 * status 400 and no `error`; every other failure is described by `error`.
 */
export function formatErrorLine(line: OutputLineKey, failure: Failure): string {
  const { kind, code, param = null } = failure;
  const message = appendProviderText(failure.message, { providerMessage: failure.providerMessage });
  const id = computeRequestId(line);
  const rejectionCode = REJECTED_REQUEST_CODES[kind];
  const base = { id: `batch_req_${id}`, custom_id: line.customId };
  if (rejectionCode === undefined) {
    const error = {
      code: kind.replaceAll("-", "_"),
      message: appendProviderText(code === undefined ? failure.message : `${failure.message} (${code})`, failure),
    };
    return `${JSON.stringify({ ...base, response: null, error })}\n`;
  }
  const error = { message, type: "invalid_request_error", param, code: code ?? rejectionCode };
  const response = { status_code: 400, request_id: id, body: { error } };
  return `${JSON.stringify({ ...base, response, error: null })}\n`;
}
