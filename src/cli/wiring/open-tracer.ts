import { readVersion } from "#src/cli/version.ts";
import type { Config } from "#src/config/config.ts";
import type { Tracer } from "#src/core/tracer.ts";

/** The configured tracer; undefined if traces are off, and then nothing is loaded. */
export async function openConfiguredTracer({ traces }: Config): Promise<Tracer | undefined> {
  if (!traces) return undefined;
  const { openTracer } = await import("#src/traces/open-tracer.ts");
  const { endpoint, headers, service, sampleRatio } = traces;
  return openTracer({ endpoint, headers: parseHeaders(headers?.reveal()), service, sampleRatio }, readVersion());
}

/** Parses "name=value,name=value"; invalid pairs are ignored. */
function parseHeaders(text: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of text?.split(",") ?? []) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) continue;
    try {
      headers[name] = decodeURIComponent(value);
    } catch {
      headers[name] = value;
    }
  }
  return headers;
}
