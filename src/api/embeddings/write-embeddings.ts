/** The body of an embedding response in OpenAI's format. Base64 is little-endian float32. */
export function writeEmbeddings(
  vectors: readonly Float32Array[],
  {
    encoding,
    model,
    tokens,
  }: { readonly encoding: "float" | "base64"; readonly model: string; readonly tokens: number },
) {
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: encoding === "base64" ? toBase64(vector) : Array.from(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function toBase64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
