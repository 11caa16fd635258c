import { type PingResult, pingModel } from "#src/cli/commands/ping/ping.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { DOCTOR_HINTS } from "#src/cli/messages.ts";
import type { Config } from "#src/config/config.ts";
import { appendProviderText } from "#src/core/failures/provider-text.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { DoctorFinding } from "./describe-findings.ts";

/** A key that works answers within seconds. */
const PING_TIMEOUT_MS = 30_000;

/** One call per configured account, all at once. */
export async function testKeys(config: Config, signal: AbortSignal): Promise<DoctorFinding[]> {
  const tests = config.registry.providers.flatMap(({ name }) =>
    config.accounts(name).map(async (account): Promise<DoctorFinding> => {
      const model = chooseTestModel(config.registry.listModels(name), Date.now());
      if (!model) {
        const message = `the key of account ${account.name} was not tested, because no model of ${name} is known`;
        return { area: name, level: "note", message, hint: DOCTOR_HINTS.pingByName(name) };
      }
      const limited = AbortSignal.any([signal, AbortSignal.timeout(PING_TIMEOUT_MS)]);
      return toFinding(name, await pingModel(config, `${name}/${model.name}`, account, limited));
    }),
  );
  return await Promise.all(tests);
}

const KIND_ORDER: readonly ModelData["kind"][] = ["embedding", "chat", "rerank"];

/** The model whose call costs the least: an embedding model if there is one. Pure. */
export function chooseTestModel(models: readonly ModelData[], now: number): ModelData | undefined {
  const rank = ({ kind, price }: ModelData) => [KIND_ORDER.indexOf(kind), price?.inputPerMillionTokens ?? Infinity];
  const usable = models.filter(({ retired }) => !retired || Date.parse(retired.since) > now);
  return usable.toSorted((a, b) => {
    const [[kindA = 0, priceA = 0], [kindB = 0, priceB = 0]] = [rank(a), rank(b)];
    return kindA - kindB || (priceA === priceB ? 0 : priceA - priceB);
  })[0];
}

function toFinding(area: string, { model, account, ok, totalMs, error }: PingResult): DoctorFinding {
  if (ok || !error) {
    return { area, level: "ok", message: `the key of account ${account} works (${model}, ${formatDuration(totalMs)})` };
  }
  const { kind, message, hint } = error;
  if (kind === "throttled") {
    return { area, level: "ok", message: `the key of account ${account} works (${model} is rate limited)` };
  }
  const reason =
    kind === "aborted" ? `no answer within ${formatDuration(totalMs)}` : appendProviderText(message, error);
  const text = `the test of account ${account} with ${model} failed: ${sanitize(reason)}`;
  // Another model may work: this one was chosen because it is cheap.
  if (kind === "invalid-request") return { area, level: "warning", message: text, hint: DOCTOR_HINTS.pingByName(area) };
  return { area, level: "problem", message: text, hint };
}
