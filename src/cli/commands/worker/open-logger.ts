import { pino } from "pino";
import type { WorkerLog } from "#src/workers/worker-log.ts";

export interface LoggerOptions {
  readonly level: pino.LevelWithSilent;
  /** Lines for people; otherwise JSON, for a pipe, a file, or a log collector. */
  readonly isTerminal: boolean;
  readonly colorize: boolean;
  /** The file descriptor to write to. */
  readonly fd: number;
}

/** A log that writes each line before it returns, so that a crash loses none. */
export async function openLogger({ level, isTerminal, colorize, fd }: LoggerOptions): Promise<WorkerLog> {
  if (!isTerminal) {
    return toWorkerLog(pino({ level, base: { pid: process.pid } }, pino.destination({ fd, sync: true })));
  }
  const { default: createPrettyStream } = await import("pino-pretty");
  const options = { colorize, translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname", singleLine: true };
  return toWorkerLog(pino({ level }, createPrettyStream({ ...options, destination: fd, sync: true })));
}

function toWorkerLog(logger: pino.Logger): WorkerLog {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}
