import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { connection, health } from "#src/dashboard/web/server/event-stream.ts";

/** A short gap is a reload or a restart, and nothing to be told about. */
const GRACE_PERIOD_MS = 1_500;

/** Says on every page that the server or its Redis is away; goes by itself when they are back. */
export function Banner() {
  const now = useSignal(Date.now());
  const isLost = connection.value.state === "disconnected";
  useEffect(() => {
    if (!isLost) return;
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, [isLost]);
  const text = bannerText(now.value);
  return (
    <div role="alert" aria-live="assertive">
      {text === undefined ? null : (
        <div class="banner">
          <p>{text}</p>
        </div>
      )}
    </div>
  );
}

function bannerText(now: number): string | undefined {
  const t = translations.value.banner;
  if (connection.value.state === "disconnected") {
    const ms = now - connection.value.since;
    return ms < GRACE_PERIOD_MS ? undefined : t.serverUnreachable;
  }
  const redis = health.value?.redis;
  if (health.value === undefined || redis?.state !== "unavailable") return undefined;
  return t.redisUnavailable(formatters.value.timestamp(redis.since, health.value.at));
}
