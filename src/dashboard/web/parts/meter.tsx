import type { ShareView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { words } from "../words/words.ts";
import { limitInForce, shareUsed } from "./share-used.ts";

/** How much of a limit is in use. Hatched: what the provider's refusals have taken away for now. */
export function Meter({ share, label }: { share: ShareView; label: string }) {
  const { short, share: percent } = show.value;
  const w = words.value.lanes;
  const limit = limitInForce(share);
  const whole = share.allowed;
  const width = whole === undefined || whole <= 0 ? 0 : Math.min(1, share.used / whole);
  const isLearned = share.learned !== undefined && whole !== undefined && share.learned < whole;
  const origin = [isLearned ? w.learnedOf(short(whole)) : "", share.set ? w.setByHand : ""]
    .filter(Boolean)
    .join(", ");
  return (
    <div class="meter">
      <span class="values">
        <span>{limit === undefined ? short(share.used) : w.ofLimit(short(share.used), short(limit))}</span>
        <span class="soft">{percent(shareUsed(share))}</span>
      </span>
      {limit === undefined ? null : (
        // biome-ignore lint/a11y/useSemanticElements: a meter element takes no second figure, and each browser draws it anew
        <span
          class="track"
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={share.used}
          aria-valuetext={`${w.ofLimit(short(share.used), short(limit))}${origin ? `; ${origin}` : ""}`}
        >
          <span class={share.used > limit ? "fill over" : "fill"} style={{ width: `${width * 100}%` }} />
          {isLearned && whole ? (
            <span class="learned" style={{ width: `${(1 - limit / whole) * 100}%` }} />
          ) : null}
        </span>
      )}
      {origin === "" ? null : <span class="origin">{origin}</span>}
    </div>
  );
}
