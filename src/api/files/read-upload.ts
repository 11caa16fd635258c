import type { MultipartFile, MultipartValue } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { FileStore, ReceivedFile } from "./file-store.ts";

/** Fields of a multipart form beside its file. */
export type FormFields = ReadonlyMap<string, string>;

export interface Upload {
  readonly file: ReceivedFile;
  readonly filename: string;
  readonly fields: FormFields;
}

/**
 * Reads a multipart form with one file, which is streamed to disk as it arrives; fields may precede or follow it. Throws an
 * ApiError for any other form, and for a file of more than `maxBytes`. Nothing is kept then.
 */
export async function readUpload(
  request: FastifyRequest,
  {
    store,
    tenant,
    maxBytes,
    field,
  }: { readonly store: FileStore; readonly tenant: string; readonly maxBytes: number; readonly field: string },
): Promise<Upload> {
  if (!request.isMultipart()) throw API_ERRORS.invalidValue(field, "Send the file as a multipart form.");
  const fields = new Map<string, string>();
  let received: { readonly file: ReceivedFile; readonly filename: string } | undefined;
  try {
    for await (const part of request.parts({ limits: { fileSize: maxBytes, files: 1, fields: 20 } })) {
      if (part.type === "file") received = await receive(part, { store, tenant, maxBytes, field });
      else fields.set(part.fieldname, readValue(part));
    }
  } catch (error) {
    await received?.file.discard();
    throw error;
  }
  if (!received) throw API_ERRORS.invalidValue(field, `The form has no file in the field "${field}".`);
  return { ...received, fields };
}

async function receive(
  { file, fieldname, filename }: MultipartFile,
  {
    store,
    tenant,
    maxBytes,
    field,
  }: { readonly store: FileStore; readonly tenant: string; readonly maxBytes: number; readonly field: string },
) {
  if (fieldname !== field) throw API_ERRORS.invalidValue(fieldname, `The file belongs into the field "${field}".`);
  const received = await store.receive(tenant, file);
  if (file.truncated) {
    await received.discard();
    throw API_ERRORS.bodyTooLarge(maxBytes);
  }
  return { file: received, filename: filename.slice(0, 512) || "upload" };
}

function readValue({ value, fieldname }: MultipartValue): string {
  if (typeof value === "string") return value;
  throw API_ERRORS.invalidValue(fieldname, `The field "${fieldname}" must be text.`);
}
