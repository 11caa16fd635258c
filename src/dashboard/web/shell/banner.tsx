import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { connection, health } from "#src/dashboard/web/api-client/event-stream.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Shorter gaps, such as a reload or a restart, are not shown. */
const GRACE_PERIOD_MS = 1_500;

/** A warning on every page while the server or Redis is unavailable. */
export function Banner() {
  const now = useSignal(Date.now());
  const isDisconnected = connection.value.state === "disconnected";
  useEffect(() => {
    if (!isDisconnected) return;
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, [isDisconnected]);
  const text = getBannerText(now.value);
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

function getBannerText(now: number): string | undefined {
  const t = translations.value.banner;
  if (connection.value.state === "disconnected") {
    const ms = now - connection.value.since;
    return ms < GRACE_PERIOD_MS ? undefined : t.serverUnreachable;
  }
  const redis = health.value?.redis;
  if (health.value === undefined || redis?.state !== "unavailable") return undefined;
  return t.redisUnavailable(formatters.value.timestamp(redis.since, health.value.at));
}
