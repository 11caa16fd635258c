import type { ExtraSetting, ProviderSettings } from "./provider-settings.ts";
import { baseUrl, oneOf, socketUrl, text } from "./value-schemas.ts";

/** A provider that is reached over WebSocket has a `ws:` or `wss:` base URL. */
export function baseUrlSchema({ baseUrl: { defaultUrl } }: ProviderSettings) {
  return defaultUrl.startsWith("wss:") ? socketUrl : baseUrl;
}

export function extraSchema(form: ExtraSetting["form"]) {
  if (form === "url") return baseUrl;
  return form === "text" || form === "plain" ? text("expected text") : oneOf(form);
}
