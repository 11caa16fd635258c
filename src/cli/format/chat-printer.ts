import picocolors from "picocolors";
import type { OutputStream } from "#src/cli/panel/run-reporter.ts";
import type { ChatRecord } from "#src/producer/client/sluice-client.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import { formatMany } from "./format-number.ts";
import { createTextSanitizer } from "./sanitize.ts";

export interface ChatPrinter {
  event(event: StreamEvent): void;
  /** The whole outcome at once, where nothing was streamed. */
  record(id: string, record: ChatRecord): void;
  /** Ends a line that has begun; called when the answer will not come to its end. */
  close(): void;
  /** Aborts when whoever reads the output has gone. */
  readonly outputClosed: AbortSignal;
}

export interface ChatPrinterOptions {
  readonly json: boolean;
  readonly noColor: boolean;
  readonly out: OutputStream;
  /** Where everything goes that is not the answer. */
  readonly diagnostics: OutputStream;
}

/**
 * Prints an answer as it comes. On a terminal the text is made harmless; a pipe or a file gets the answer exactly as
 * it is, and only when it is whole, because what an attempt that broke off had written could not be taken back.
 */
export function createChatPrinter({ json, noColor, out, diagnostics }: ChatPrinterOptions): ChatPrinter {
  const outputClosedController = new AbortController();
  out.on("error", () => outputClosedController.abort(new Error("whoever read the answer has gone")));
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
      ...(inputTokens === undefined ? [] : [`${formatMany(inputTokens, "token")} in`]),
      ...(outputTokens === undefined ? [] : [`${formatMany(outputTokens, "token")} out`]),
    ];
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
        show("(the answer begins again)\n", dim);
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

/** An answer that stops in mid-sentence should not look like one that was meant so. */
function reportTruncation(diagnostics: OutputStream, finishReason: string): void {
  if (finishReason === "length") diagnostics.write("sluice: the answer was cut at its limit of tokens\n");
  if (finishReason === "content-filter") diagnostics.write("sluice: the provider's filter cut the answer\n");
}
