import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { UPLOAD_PURPOSES } from "#src/api/files/file-object.ts";
import { readUpload } from "#src/api/files/read-upload.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { type StoredUpload, writeUpload } from "./upload-object.ts";

/** OpenAI's limits of a part and of an upload. */
const MAX_PART_BYTES = 64 * 1024 * 1024;
const MAX_UPLOAD_BYTES = 8 * 1024 * 1024 * 1024;

const createBody = z.object({
  filename: z.string().min(1).max(512),
  purpose: z.enum(UPLOAD_PURPOSES),
  bytes: z.int().min(0).max(MAX_UPLOAD_BYTES),
  mime_type: z.string().max(200),
  expires_after: z.object({ anchor: z.literal("created_at"), seconds: z.int().min(3600).max(2_592_000) }).nullish(),
});
const completeBody = z.object({
  part_ids: z.array(z.string().max(100)).min(1).max(10_000),
  md5: z.string().max(64).nullish().describe("Of the whole file, hexadecimal"),
});
const idParams = z.object({ id: z.string().max(100) });

/** OpenAI's uploads: large files in parts. */
export function uploadRoutes({ files, uploads, clock }: ApiContext): ApiPlugin {
  /** Throws an ApiError unless the upload exists and is pending. */
  const requirePending = async (tenant: string, id: string): Promise<StoredUpload> => {
    const upload = await uploads.get(tenant, id);
    if (!upload) throw API_ERRORS.unknownObject("upload");
    const { status } = writeUpload(upload, clock.now());
    if (status === "pending") return upload;
    throw API_ERRORS.invalidValue("id", `The upload is ${status}.`, "upload_ended");
  };
  return async (server) => {
    const tags = ["Uploads"];
    server.post(
      "/v1/uploads",
      { schema: { tags, summary: "Begin to upload a file in parts", body: createBody } },
      async ({ caller, body }) => {
        const now = clock.now();
        const { filename, purpose, bytes, mime_type: mimeType, expires_after: expiry } = body;
        const fileExpiresAfterMs = expiry ? expiry.seconds * 1000 : undefined;
        const upload = { filename, purpose, bytes, mimeType, fileExpiresAfterMs };
        return writeUpload(await uploads.create(caller.tenant, now, upload), now);
      },
    );
    server.post(
      "/v1/uploads/:id/parts",
      { schema: { tags, summary: "Upload a part", params: idParams } },
      async (request) => {
        const { tenant } = request.caller;
        const { id: uploadId } = await requirePending(tenant, request.params.id);
        const options = { store: files, tenant, maxBytes: MAX_PART_BYTES, field: "data" };
        const { file } = await readUpload(request, options);
        const now = clock.now();
        const id = await uploads.addPart(tenant, uploadId, file, now);
        return { id, object: "upload.part", created_at: Math.floor(now / 1000), upload_id: uploadId };
      },
    );
    server.post(
      "/v1/uploads/:id/complete",
      { schema: { tags, summary: "Combine the parts to a file", params: idParams, body: completeBody } },
      async ({ caller: { tenant }, params, body: { part_ids: parts, md5 } }) => {
        const upload = await requirePending(tenant, params.id);
        const { missing, bytes } = await uploads.checkParts(tenant, upload.id, parts);
        if (missing.length > 0) throw API_ERRORS.invalidValue("part_ids", `There is no part ${missing[0]}.`);
        if (bytes !== upload.bytes) {
          const message = `The parts have ${bytes} bytes, but the upload was created with ${upload.bytes}.`;
          throw API_ERRORS.invalidValue("part_ids", message);
        }
        const combined = await uploads.combine(files, tenant, upload.id, parts);
        if (md5 && (await hashFile(combined.path)) !== md5.toLowerCase()) {
          await combined.discard();
          throw API_ERRORS.invalidValue("md5", "The parts have another MD5 hash.");
        }
        const { filename, purpose, fileExpiresAfterMs: ttlMs } = upload;
        const expiresAt = ttlMs === undefined ? undefined : clock.now() + ttlMs;
        const file = await combined.finish({ filename, purpose, expiresAt });
        const completed: StoredUpload = { ...upload, status: "completed", fileId: file.id };
        await uploads.update(tenant, completed);
        await uploads.deleteParts(tenant, upload.id, parts);
        return writeUpload(completed, clock.now(), file);
      },
    );
    server.post(
      "/v1/uploads/:id/cancel",
      { schema: { tags, summary: "Cancel an upload", params: idParams } },
      async ({ caller: { tenant }, params }) => {
        const cancelled: StoredUpload = { ...(await requirePending(tenant, params.id)), status: "cancelled" };
        await uploads.update(tenant, cancelled);
        return writeUpload(cancelled, clock.now());
      },
    );
  };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
