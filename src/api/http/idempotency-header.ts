import * as z from "zod";

/** Headers of every POST that creates something. */
export const idempotencyHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("The same request with the same key is answered once; another request with it is an error"),
});
