import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { show } from "../format/show.ts";
import { health, link } from "../server/live.ts";
import { words } from "../words/words.ts";

/** A short gap is a reload or a restart, and nothing to be told about. */
const PATIENCE_MS = 1_500;

/** Says on every page that the server or its Redis is away; goes by itself when they are back. */
export function Banner() {
  const now = useSignal(Date.now());
  const isLost = link.value.state === "lost";
  useEffect(() => {
    if (!isLost) return;
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, [isLost]);
  const text = message(now.value);
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

function message(now: number): string | undefined {
  const w = words.value.banner;
  if (link.value.state === "lost") {
    const ms = now - link.value.since;
    return ms < PATIENCE_MS ? undefined : w.server;
  }
  const redis = health.value?.redis;
  if (health.value === undefined || redis?.state !== "away") return undefined;
  return w.redis(show.value.moment(redis.since, health.value.at));
}
