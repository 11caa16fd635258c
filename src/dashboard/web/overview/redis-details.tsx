import type { RedisView } from "#src/dashboard/overview/overview-api.ts";
import { DescriptionList } from "#src/dashboard/web/components/description-list.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Stats of Redis; its memory is shown with the threshold above which a warning appears. */
export function RedisDetails({ redis }: { redis: RedisView }) {
  const t = translations.value.redis;
  const { bytes, compact, duration, count } = formatters.value;
  return (
    <div class="card-body">
      <DescriptionList
        items={[
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
          { label: t.connections, value: count(redis.clients) },
          {
            label: t.version,
            value: redis.version === undefined ? compact(undefined) : <UntrustedText value={redis.version} />,
            below: redis.isPrivate ? t.private : t.external,
          },
        ]}
      />
    </div>
  );
}
