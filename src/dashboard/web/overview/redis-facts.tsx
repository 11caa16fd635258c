import type { RedisView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Facts } from "../parts/facts.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** The Redis that everything goes through, and its memory against the mark above which it is a worry. */
export function RedisFacts({ redis }: { redis: RedisView }) {
  const w = words.value.redis;
  const { bytes, short, duration, count } = show.value;
  return (
    <div class="body">
      <Facts
        facts={[
          {
            label: w.memory,
            value: bytes(redis.usedBytes),
            below:
              redis.markBytes === undefined
                ? w.noMark
                : w.mark(bytes(redis.markBytes), bytes(redis.maxBytes)),
          },
          {
            label: w.commands,
            value:
              redis.commandsPerSecond === undefined
                ? short(undefined)
                : w.perSecond(short(redis.commandsPerSecond)),
          },
          { label: w.roundTrip, value: duration(redis.roundTripMs) },
          { label: w.clients, value: count(redis.clients) },
          {
            label: w.version,
            value: redis.version === undefined ? short(undefined) : <Text value={redis.version} />,
            below: redis.isPrivate ? w.private : w.shared,
          },
        ]}
      />
    </div>
  );
}
