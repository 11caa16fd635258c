import { createHash } from "node:crypto";

const CONTINUATION = 0;
const TEXT = 1;
const CLOSE = 8;
/** GUID of RFC 6455: servers hash it with the client's key to accept a handshake. */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The response that accepts a handshake. */
export function encodeUpgradeResponse(request: string): Buffer {
  const key = /^sec-websocket-key: (\S+)/im.exec(request)?.[1] ?? "";
  const accept = createHash("sha1")
    .update(key + HANDSHAKE_GUID)
    .digest("base64");
  return Buffer.from(
    [
      "HTTP/1.1 101 Switching Protocols",
      "upgrade: websocket",
      "connection: Upgrade",
      `sec-websocket-accept: ${accept}`,
      "",
      "",
    ].join("\r\n"),
  );
}

/** One text message as a server sends it, fragmented at the byte positions `cuts`. */
export function encodeTextMessage(text: string, cuts: readonly number[] = []): Buffer {
  const bytes = Buffer.from(text);
  const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
  const pieces = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
  return Buffer.concat(
    pieces.map((piece, index) => encodeFrame(index === 0 ? TEXT : CONTINUATION, piece, index === pieces.length - 1)),
  );
}

/** A close frame; the default code is a normal closure. */
export function encodeCloseFrame(code = 1000): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encodeFrame(CLOSE, payload, true);
}

function encodeFrame(opcode: number, payload: Buffer, isLast: boolean): Buffer {
  const head = payload.length < 126 ? Buffer.alloc(2) : Buffer.alloc(4);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  if (payload.length < 126) head[1] = payload.length;
  else {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}
