import * as z from "zod";
import { type StoredFile, UPLOAD_PURPOSES, writeFileObject } from "#src/api/files/file-object.ts";

/** `upload.json`: a file that is uploaded in parts. Times are epoch ms. */
export const storedUpload = z.object({
  id: z.string(),
  filename: z.string(),
  purpose: z.enum(UPLOAD_PURPOSES),
  mimeType: z.string(),
  /** Of all parts together, as announced. */
  bytes: z.int().nonnegative(),
  status: z.enum(["pending", "completed", "cancelled"]),
  createdAt: z.number(),
  expiresAt: z.number(),
  fileExpiresAfterMs: z.number().optional(),
  /** Once it is completed. */
  fileId: z.string().optional(),
});
export type StoredUpload = z.infer<typeof storedUpload>;

/** An upload in OpenAI's format. */
export function writeUpload(upload: StoredUpload, now: number, file?: StoredFile) {
  const hasExpired = upload.status === "pending" && upload.expiresAt <= now;
  return {
    id: upload.id,
    object: "upload",
    bytes: upload.bytes,
    created_at: Math.floor(upload.createdAt / 1000),
    expires_at: Math.floor(upload.expiresAt / 1000),
    filename: upload.filename,
    purpose: upload.purpose,
    status: hasExpired ? "expired" : upload.status,
    file: file ? writeFileObject(file) : null,
  };
}
