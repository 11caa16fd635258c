import * as z from "zod";

/** What a file may be used for; `batch_output` is for files that the server writes. */
export const UPLOAD_PURPOSES = ["batch", "assistants", "fine-tune", "vision", "user_data", "evals"] as const;

/** `file.json`: a file as it is stored. */
export const storedFile = z.object({
  id: z.string(),
  filename: z.string(),
  purpose: z.enum([...UPLOAD_PURPOSES, "batch_output"]),
  bytes: z.int().nonnegative(),
  /** Epoch ms */
  createdAt: z.number(),
  /** Epoch ms; absent if the file is kept until it is deleted. */
  expiresAt: z.number().optional(),
});
export type StoredFile = z.infer<typeof storedFile>;

/** A file in OpenAI's format. */
export function writeFileObject({ id, filename, purpose, bytes, createdAt, expiresAt }: StoredFile) {
  return {
    id,
    object: "file",
    bytes,
    created_at: Math.floor(createdAt / 1000),
    ...(expiresAt === undefined ? {} : { expires_at: Math.floor(expiresAt / 1000) }),
    filename,
    purpose,
    status: "processed",
    status_details: null,
  };
}
