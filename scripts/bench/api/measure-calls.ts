// Sends chat requests from many clients at once and measures how long each takes.
import { Agent, request } from "undici";

export interface CallMeasurement {
  /** One value per request, ms, sorted. */
  readonly durations: readonly number[];
  readonly perSecond: number;
}

export interface MeasureCallsOptions {
  readonly url: string;
  readonly model: string;
  readonly apiKey: string;
  readonly clients: number;
  readonly requests: number;
  /** Measure the time to the first delta of a stream instead of the time to the complete answer. */
  readonly stream: boolean;
}

/** Each client sends its next request when it has read its answer. */
export async function measureCalls(options: MeasureCallsOptions): Promise<CallMeasurement> {
  const dispatcher = new Agent({ connections: options.clients });
  const durations: number[] = [];
  let left = options.requests;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      durations.push(await measureCall(options, dispatcher, left));
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: options.clients }, client));
  const perSecond = (options.requests * 1000) / (performance.now() - start);
  await dispatcher.close();
  return { durations: durations.sort((a, b) => a - b), perSecond };
}

async function measureCall(
  { url, model, apiKey, stream }: MeasureCallsOptions,
  dispatcher: Agent,
  n: number,
): Promise<number> {
  const start = performance.now();
  const { statusCode, body } = await request(`${url}/chat/completions`, {
    dispatcher,
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: `question ${n}` }] }),
  });
  if (statusCode !== 200) throw new Error(`status ${statusCode}: ${await body.text()}`);
  let firstAt: number | undefined;
  for await (const chunk of body) {
    if (stream && /"content":"[^"]/.test(String(chunk))) firstAt ??= performance.now();
  }
  return (firstAt ?? performance.now()) - start;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
