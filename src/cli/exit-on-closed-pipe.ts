import { errorCode } from "#src/core/failures/errors.ts";

/**
 * Ends the process quietly when the reader of stdout or stderr has gone (`sluice runs | head`). Commands that must
 * outlive their reader, such as a run with hours of work behind it, listen to the stream's errors themselves.
 */
export function exitOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      if (stream.listenerCount("error") > 1) return;
      // EIO: the terminal was closed.
      if (errorCode(error) !== "EPIPE" && errorCode(error) !== "EIO") throw error;
      process.exit();
    });
  }
}
