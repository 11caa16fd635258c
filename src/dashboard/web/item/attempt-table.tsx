import type { AttemptView, ItemStory } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import type { Tone } from "../parts/tone-of-run.ts";
import { words } from "../words/words.ts";

const TONES: Readonly<Record<AttemptView["outcome"], Tone>> = {
  succeeded: "good",
  failed: "bad",
  throttled: "warn",
  lost: "bad",
  running: "live",
};

/** Every upstream call for the item that is known, and how many are not. */
export function AttemptTable({ story }: { story: ItemStory }) {
  const w = words.value.items;
  const { moment, duration, count } = show.value;
  const { history, at, status, attempts } = story;
  const unknown = unknownAttempts(story);
  if (history.length === 0)
    return (
      <Empty>
        {unknown > 0
          ? w.forgotten(count(unknown))
          : status === "succeeded" && attempts === 0
            ? w.notAsked
            : status === "waiting"
              ? w.notTried
              : w.notNoted}
      </Empty>
    );
  return (
    <>
      {unknown > 0 ? <p class="body soft">{w.forgotten(count(unknown))}</p> : null}
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{w.attempt}</th>
            <th scope="col">{w.began}</th>
            <th scope="col" class="number">
              {w.took}
            </th>
            <th scope="col">{w.outcome}</th>
            <th scope="col" class="wide">
              {w.lane}
            </th>
          </tr>
        </thead>
        <tbody>
          {history.map((attempt, index) => (
            // A call that was told to wait is no attempt, so a number may come again.
            <tr key={index}>
              <td class="line">{w.attemptNumber(String(attempt.number))}</td>
              <td class="line" data-label={w.began}>
                {moment(attempt.at, at)}
              </td>
              <td class="number" data-label={w.took}>
                {duration(attempt.durationMs)}
              </td>
              <td>
                <State tone={TONES[attempt.outcome]}>{w.outcomes[attempt.outcome]}</State>
              </td>
              <td class="full">
                <Text value={[attempt.lane, attempt.worker].filter(Boolean).join(" · ")} />
                {attempt.failure === undefined ? null : (
                  <span class="below">
                    <Kind kind={attempt.failure.kind} />{" "}
                    <Text
                      value={[attempt.failure.code, attempt.failure.message].filter(Boolean).join(": ")}
                    />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Attempts that the record counts and the history lacks. */
export function unknownAttempts({ history, attempts = 0 }: Pick<ItemStory, "history" | "attempts">): number {
  return Math.max(0, attempts - history.filter(({ outcome }) => outcome !== "throttled").length);
}
