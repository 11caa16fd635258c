import { isUtf8 } from "node:buffer";

export interface SseEvent {
  /** The `event:` field; empty when there was none. */
  readonly name: string;
  /** The `data:` lines, joined by line feeds. Events without data are dropped, as the standard requires. */
  readonly data: string;
}

export interface SseOptions {
  /** `blank-line`: the standard framing. `line`: every `data:` line is an event. */
  readonly framing?: "blank-line" | "line";
  /** Maximum length of a line, and of the data of an event. */
  readonly maxEventBytes?: number;
}

/** The bytes are not an acceptable event stream. The message never quotes them. */
export class SseSyntaxError extends Error {
  override readonly name = "SseSyntaxError";
}

/** The longest events seen from providers have a few KB; a complete answer in one event stays below this. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const COLON = 58;
const NOT_FOUND = -1;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const DATA = Buffer.from("data");
const EVENT = Buffer.from("event");

/**
 * Decodes server-sent events from chunks that may be split anywhere, even within a character or between CR and LF. Accepts
 * LF, CRLF and lone CR, a byte order mark, comments, several `data:` lines, a colon without a space, and a last event
 * without its blank line. Buffers at most `maxEventBytes`. Throws SseSyntaxError when a line or an event is longer, or is
 * not UTF-8.
 */
export class SseDecoder {
  readonly #hasLineFraming: boolean;
  readonly #maxEventBytes: number;
  /** The beginning of an incomplete line: the first `#heldBytes` of this buffer. */
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  #data: string | undefined;
  #dataBytes = 0;
  #name = "";
  #atStart = true;
  #hasComment = false;
  /** The last byte was a CR, to which a following LF belongs. */
  #afterReturn = false;

  constructor(options: SseOptions = {}) {
    this.#hasLineFraming = options.framing === "line";
    this.#maxEventBytes = options.maxEventBytes ?? MAX_EVENT_BYTES;
  }

  /** Whether a comment has arrived since the last call; providers send comments to keep a stream alive. */
  takeComment(): boolean {
    const hasComment = this.#hasComment;
    this.#hasComment = false;
    return hasComment;
  }

  /** The events that these bytes complete. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    let position = 0;
    let feed = chunk.indexOf(LINE_FEED);
    let carriage = chunk.indexOf(CARRIAGE_RETURN);
    if (this.#afterReturn && chunk.length > 0) {
      this.#afterReturn = false;
      if (feed === 0) {
        position = 1;
        feed = chunk.indexOf(LINE_FEED, 1);
      }
    }
    while (feed !== NOT_FOUND || carriage !== NOT_FOUND) {
      const isReturn = carriage !== NOT_FOUND && (feed === NOT_FOUND || carriage < feed);
      const end = isReturn ? carriage : feed;
      this.#takeLine(chunk.subarray(position, end), events);
      position = end + 1;
      if (isReturn) {
        if (feed === position) position += 1;
        else if (position === chunk.length) this.#afterReturn = true;
        carriage = chunk.indexOf(CARRIAGE_RETURN, position);
      }
      if (feed !== NOT_FOUND && feed < position) feed = chunk.indexOf(LINE_FEED, position);
    }
    if (position < chunk.length) this.#keep(chunk.subarray(position));
    return events;
  }

  /** The remaining events at the end of the bytes. A last line without a line end counts as a line. */
  end(): SseEvent[] {
    const events: SseEvent[] = [];
    if (this.#heldBytes > 0) this.#takeLine(Buffer.alloc(0), events);
    this.#dispatch(events);
    return events;
  }

  /** Copies the piece, because a reference would keep the whole chunk alive. */
  #keep(piece: Buffer): void {
    const bytes = this.#heldBytes + piece.length;
    this.#checkSize(bytes);
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(256, bytes * 2));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  #takeLine(rest: Buffer, events: SseEvent[]): void {
    let line = rest;
    if (this.#heldBytes > 0) {
      this.#keep(rest);
      line = this.#held.subarray(0, this.#heldBytes);
      this.#heldBytes = 0;
    }
    if (this.#atStart) {
      this.#atStart = false;
      if (line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3);
    }
    if (line.length === 0) {
      this.#dispatch(events);
      return;
    }
    this.#checkSize(line.length);
    if (line[0] === COLON) this.#hasComment = true;
    else if (startsWithField(line, DATA)) this.#addData(readValue(line, DATA.length), events);
    else if (startsWithField(line, EVENT)) this.#name = decodeText(readValue(line, EVENT.length));
  }

  #addData(value: Buffer, events: SseEvent[]): void {
    const text = decodeText(value);
    this.#dataBytes += value.length + 1;
    this.#checkSize(this.#dataBytes);
    this.#data = this.#data === undefined ? text : `${this.#data}\n${text}`;
    if (this.#hasLineFraming) this.#dispatch(events);
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#data !== undefined) events.push({ name: this.#name, data: this.#data });
    this.#data = undefined;
    this.#dataBytes = 0;
    this.#name = "";
  }

  #checkSize(bytes: number): void {
    if (bytes > this.#maxEventBytes)
      throw new SseSyntaxError(`an event of the stream is longer than ${this.#maxEventBytes} bytes`);
  }
}

/** Matches "data", "data:" and "data:...", but not "database:". */
function startsWithField(line: Buffer, field: Buffer): boolean {
  for (let index = 0; index < field.length; index++) if (line[index] !== field[index]) return false;
  return line.length === field.length || line[field.length] === COLON;
}

function readValue(line: Buffer, fieldLength: number): Buffer {
  const start = fieldLength + 1;
  return line.subarray(line[start] === SPACE ? start + 1 : start);
}

function decodeText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new SseSyntaxError("an event of the stream is not UTF-8 text");
  return bytes.toString("utf8");
}
