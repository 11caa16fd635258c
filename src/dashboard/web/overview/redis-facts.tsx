import type { RedisView } from "../../contract.ts";
import { formatters } from "../format/show.ts";
import { DescriptionList } from "../parts/facts.tsx";
import { UntrustedText } from "../parts/text.tsx";
import { translations } from "../words/words.ts";

/** The Redis that everything goes through, and its memory against the mark above which it is a worry. */
export function RedisDetails({ redis }: { redis: RedisView }) {
  const t = translations.value.redis;
  const { bytes, compact, duration, count } = formatters.value;
  return (
    <div class="body">
      <DescriptionList
        facts={[
          {
            label: t.memory,
            value: bytes(redis.usedBytes),
            below:
              redis.warningBytes === undefined
                ? t.noMemoryLimit
                : t.warnsAbove(bytes(redis.warningBytes), bytes(redis.maxBytes)),
          },
          {
            label: t.commands,
            value:
              redis.commandsPerSecond === undefined
                ? compact(undefined)
                : t.perSecond(compact(redis.commandsPerSecond)),
          },
          { label: t.roundTrip, value: duration(redis.roundTripMs) },
          { label: t.clients, value: count(redis.clients) },
          {
            label: t.version,
            value: redis.version === undefined ? compact(undefined) : <UntrustedText value={redis.version} />,
            below: redis.isPrivate ? t.private : t.shared,
          },
        ]}
      />
    </div>
  );
}
