import { errorCode, RunError } from "./errors.ts";

/** Ends the hint of an error after which a run resumes. */
export const DISK_RESUME_HINT = "Then run the same command again. It resumes where it stopped.";

/** Converts an error to a RunError that names the folder, the reason, and what to do. No data on disk is lost. */
export function toDiskError(error: unknown, folder: string): RunError {
  if (error instanceof RunError) return error;
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const what = code === "ENOSPC" ? "the disk is full" : "the disk quota is used up";
    return new RunError(`cannot write to ${folder}: ${what}`, `Free some space. ${DISK_RESUME_HINT}`, error);
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new RunError(
      `cannot write to ${folder}: permission denied (${code})`,
      `Fix the permissions. ${DISK_RESUME_HINT}`,
      error,
    );
  }
  const reason = code ?? (error instanceof Error ? error.message : "unknown error");
  return new RunError(`cannot read or write ${folder}: ${reason}`, `Check the disk. ${DISK_RESUME_HINT}`, error);
}
