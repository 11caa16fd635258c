import { createReadStream } from "node:fs";
import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { parseByteRange } from "#src/api/http/byte-range.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { UPLOAD_PURPOSES, writeFileObject } from "./file-object.ts";
import { readUpload } from "./read-upload.ts";

/** OpenAI's limit of a file. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const DAY_MS = 24 * 3600_000;
/** OpenAI keeps the input of batches for 30 days unless the client says something else. */
const BATCH_INPUT_TTL_MS = 30 * DAY_MS;

const uploadFields = z.object({
  purpose: z.enum(UPLOAD_PURPOSES),
  "expires_after[anchor]": z.literal("created_at").optional(),
  "expires_after[seconds]": z.coerce.number().int().min(3600).max(2_592_000).optional(),
});
const idParams = z.object({ id: z.string().max(100) });
const listQuery = z.object({
  purpose: z.string().max(40).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().max(100).optional(),
});

/** OpenAI's files. */
export function fileRoutes({ files, clock }: ApiContext): ApiPlugin {
  const requireFile = async (tenant: string, id: string) => {
    const file = await files.get(tenant, id);
    if (!file) throw API_ERRORS.unknownObject("file");
    return file;
  };
  return async (server) => {
    const describe = (summary: string) => ({ tags: ["Files"], summary });
    server.post("/v1/files", { schema: describe("Upload a file") }, async (request) => {
      const { tenant } = request.caller;
      const { file, filename, fields } = await readUpload(request, {
        store: files,
        tenant,
        maxBytes: MAX_FILE_BYTES,
        field: "file",
      });
      const parsed = uploadFields.safeParse(Object.fromEntries(fields));
      if (!parsed.success) {
        await file.discard();
        const [issue] = parsed.error.issues;
        const param = issue?.path.join(".") ?? "purpose";
        throw API_ERRORS.invalidValue(param, `Invalid value for "${param}": ${issue?.message}.`);
      }
      const { purpose, "expires_after[seconds]": seconds } = parsed.data;
      const ttlMs = seconds === undefined ? (purpose === "batch" ? BATCH_INPUT_TTL_MS : undefined) : seconds * 1000;
      const expiresAt = ttlMs === undefined ? undefined : clock.now() + ttlMs;
      return writeFileObject(await file.finish({ filename, purpose, expiresAt }));
    });
    server.get(
      "/v1/files",
      { schema: { ...describe("List files"), querystring: listQuery } },
      async ({ caller, query }) => {
        const page = await files.list(caller.tenant, query);
        return { ...page, data: page.data.map(writeFileObject) };
      },
    );
    server.get(
      "/v1/files/:id",
      { schema: { ...describe("Describe a file"), params: idParams } },
      async ({ caller, params }) => writeFileObject(await requireFile(caller.tenant, params.id)),
    );
    server.delete(
      "/v1/files/:id",
      { schema: { ...describe("Delete a file"), params: idParams } },
      async ({ caller, params }) => {
        const { id } = await requireFile(caller.tenant, params.id);
        await files.delete(caller.tenant, id);
        return { id, object: "file", deleted: true };
      },
    );
    server.get(
      "/v1/files/:id/content",
      { schema: { ...describe("Download a file, or a range of its bytes"), params: idParams } },
      async ({ caller, params, headers }, reply) => {
        const { id, bytes, filename, purpose } = await requireFile(caller.tenant, params.id);
        const range = parseByteRange(headers.range, bytes);
        const isLines = purpose === "batch" || purpose === "batch_output";
        reply.headers({
          "accept-ranges": "bytes",
          "content-type": isLines ? "application/jsonl" : "application/octet-stream",
          "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        });
        if (range === "unsatisfiable") return reply.status(416).header("content-range", `bytes */${bytes}`).send("");
        const { start, end } = range ?? { start: 0, end: bytes - 1 };
        if (range) reply.status(206).header("content-range", `bytes ${start}-${end}/${bytes}`);
        reply.header("content-length", String(end - start + 1));
        const path = files.contentPath(caller.tenant, id);
        return bytes === 0 ? "" : createReadStream(path, { start, end });
      },
    );
  };
}
