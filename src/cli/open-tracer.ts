import type { Config } from "../config.ts";
import type { Tracer } from "../queue/tracer.ts";
import { readVersion } from "./version.ts";

/** The tracer that the configuration asks for; undefined, and nothing loaded, where traces are off. */
export async function openConfiguredTracer({ traces }: Config): Promise<Tracer | undefined> {
  if (!traces) return undefined;
  const { openTracer } = await import("../traces/open-tracer.ts");
  return openTracer(traces, readVersion());
}
