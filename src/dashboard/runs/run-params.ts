import type { FastifyRequest } from "fastify";
import * as z from "zod";
import { PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";

/** Kinds of failures that items can have. */
export const FAILURE_KINDS = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"] as const;

export const runParams = z.object({ run: z.string().min(1).max(128) });
/** A failure cause: a fingerprint, or "other:KIND". */
export const causeName = z.string().regex(/^(?:[0-9a-f]{12}|other:[a-z-]{1,30})$/);
export const emptyBody = z.strictObject({});

export function parseRunParam(request: FastifyRequest): string {
  return parseInput(runParams, request.params).run;
}
