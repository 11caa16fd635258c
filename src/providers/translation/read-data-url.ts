/** A file inside a request. */
export interface InlineData {
  /** In lower case. */
  readonly mediaType: string;
  readonly base64: string;
}

/** Reads a `data:` URL with base64 data; undefined for any other URL. */
export function readDataUrl(url: string): InlineData | undefined {
  const [, mediaType, base64] =
    /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w-]+=[^;,]*)*;base64,([A-Za-z0-9+/_-]+={0,2})$/.exec(url) ?? [];
  return mediaType === undefined || base64 === undefined ? undefined : { mediaType: mediaType.toLowerCase(), base64 };
}
