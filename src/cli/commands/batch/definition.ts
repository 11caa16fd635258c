import { InvalidArgumentError } from "commander";
import { argument, defineCommand, inGroup, requiredValue, value } from "#src/cli/options/command-definition.ts";
import { OPTION_GROUPS, RUN_OPTIONS } from "#src/cli/options/shared-options.ts";
import { type TenantShare, tenantShare } from "#src/queues/payload.ts";

/** Set by the HTTP API only. */
function parseTenant(text: string): TenantShare {
  const [, weight = "", id] = /^(\d+):(.+)$/.exec(text) ?? [];
  const { data } = tenantShare.safeParse({ id, weight: Number(weight) });
  if (data) return data;
  throw new InvalidArgumentError("expected a weight and a name, such as 1:research.");
}

export const batchCommand = defineCommand({
  name: "batch",
  group: "Run jobs",
  summary: "Process a file of chat or embedding requests in OpenAI's batch format",
  description:
    "Sends every request of a JSONL file in OpenAI's batch format and writes the answers in the same format. Running the same command again resumes the run.",
  arguments: [argument("requests.jsonl", "one request per line: custom_id, method, url, body; - reads stdin")],
  options: {
    ...inGroup(OPTION_GROUPS.model, {
      model: value(
        "provider/model",
        "provider/model: use this model for all requests; provider alone: add it to model names that have no provider",
      ),
    }),
    ...inGroup(OPTION_GROUPS.output, {
      out: requiredValue("dir", "output folder; one run per folder"),
    }),
    ...RUN_OPTIONS,
    tenant: { ...value("weight:name", "tenant of the HTTP API whose run it is", parseTenant), isHidden: true },
  },
  examples: [
    "sluice batch requests.jsonl --out ./answers --model zhipu/glm-4-plus",
    "sluice batch requests.jsonl --out ./answers --model minimax --dry-run",
  ],
});
