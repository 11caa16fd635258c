import picocolors from "picocolors";
import type { OutputStream } from "#src/cli/progress/run-reporter.ts";
import type { ChatRecord } from "#src/producer/client/sluice-client.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import { formatMany } from "./format-number.ts";
import { createTextSanitizer } from "./sanitize.ts";

export interface ChatPrinter {
  event(event: StreamEvent): void;
  /** Prints the complete outcome of a request that was not streamed. */
  record(id: string, record: ChatRecord): void;
  /** Ends an unfinished line; called when the answer is abandoned. */
  close(): void;
  /** Aborts when the reader of the output has gone. */
  readonly outputClosed: AbortSignal;
}

export interface ChatPrinterOptions {
  readonly json: boolean;
  readonly noColor: boolean;
  readonly out: OutputStream;
  /** Receives everything except the answer. */
  readonly diagnostics: OutputStream;
}

/**
 * Prints an answer while it arrives. On a terminal, the text is sanitized. A pipe or a file gets the unchanged answer, and
 * only when it is complete, because the text of a failed attempt could not be removed.
 */
export function createChatPrinter({ json, noColor, out, diagnostics }: ChatPrinterOptions): ChatPrinter {
  const outputClosedController = new AbortController();
  out.on("error", () => outputClosedController.abort(new Error("the reader of the answer has gone")));
  diagnostics.on("error", () => undefined);
  const writer = json
    ? jsonWriter(out)
    : out.isTTY
      ? terminalWriter(out, diagnostics, noColor)
      : pipeWriter(out, diagnostics);
  return { ...writer, outputClosed: outputClosedController.signal };
}

type Writer = Omit<ChatPrinter, "outputClosed">;

function jsonWriter(out: OutputStream): Writer {
  const write = (value: object) => void out.write(`${JSON.stringify(value)}\n`);
  return {
    event: ({ type, ...fields }) => write({ event: type, ...fields }),
    record: (id, record) => write({ event: "record", id, ...record }),
    close: () => undefined,
  };
}

function pipeWriter(out: OutputStream, diagnostics: OutputStream): Writer {
  let text = "";
  const finish = (finishReason: string) => {
    out.write(text.endsWith("\n") ? text : `${text}\n`);
    reportTruncation(diagnostics, finishReason);
  };
  return {
    event(event) {
      if (event.type === "delta") text += event.text;
      else if (event.type === "reset") text = "";
      else if (event.type === "end") finish(event.finishReason.unified);
    },
    record(_, record) {
      if (record.status !== "ok") return;
      text = record.response.text;
      finish(record.response.finishReason.unified);
    },
    close: () => undefined,
  };
}

function terminalWriter(out: OutputStream, diagnostics: OutputStream, noColor: boolean): Writer {
  const { dim } = picocolors.createColors(!noColor);
  let sanitizer = createTextSanitizer();
  let reasoningSanitizer = createTextSanitizer();
  let column = 0;
  const show = (text: string, style: (text: string) => string = (plain) => plain) => {
    if (text === "") return;
    out.write(style(text));
    column = text.endsWith("\n") ? 0 : 1;
  };
  const endLine = () => show(column === 0 ? "" : "\n");
  let kind: "text" | "reasoning" | undefined;
  const switchTo = (next: "text" | "reasoning") => {
    if (kind !== undefined && kind !== next) {
      endLine();
      out.write("\n");
    }
    kind = next;
  };
  const finish = (finishReason: string, usage: { inputTokens?: number; outputTokens?: number }) => {
    show(sanitizer.end());
    endLine();
    reportTruncation(diagnostics, finishReason);
    const { inputTokens, outputTokens } = usage;
    const parts = [
      inputTokens === undefined ? [] : `${formatMany(inputTokens, "token")} in`,
      outputTokens === undefined ? [] : `${formatMany(outputTokens, "token")} out`,
    ].flat();
    if (diagnostics.isTTY && parts.length > 0) diagnostics.write(`${dim(parts.join(", "))}\n`);
  };
  return {
    event(event) {
      if (event.type === "delta") {
        switchTo("text");
        show(sanitizer.push(event.text));
      } else if (event.type === "reasoning-delta") {
        switchTo("reasoning");
        show(reasoningSanitizer.push(event.text), dim);
      } else if (event.type === "reset") {
        if (kind === undefined) return;
        endLine();
        show("(the answer starts again)\n", dim);
        sanitizer = createTextSanitizer();
        reasoningSanitizer = createTextSanitizer();
        kind = undefined;
      } else if (event.type === "end") finish(event.finishReason.unified, event.usage);
      else if (event.type === "error") endLine();
    },
    record(_, record) {
      if (record.status !== "ok") return;
      show(sanitizer.push(record.response.text));
      finish(record.response.finishReason.unified, record.response.usage);
    },
    close: endLine,
  };
}

/** A truncated answer must not look like a complete one. */
function reportTruncation(diagnostics: OutputStream, finishReason: string): void {
  if (finishReason === "length") diagnostics.write("sluice: the answer was truncated at its token limit\n");
  if (finishReason === "content-filter")
    diagnostics.write("sluice: the provider's content filter truncated the answer\n");
}
