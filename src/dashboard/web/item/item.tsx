import type { ItemStory } from "../../contract.ts";
import { show } from "../format/show.ts";
import { runLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Facts } from "../parts/facts.tsx";
import { Kind } from "../parts/kind.tsx";
import { Problem } from "../parts/problem.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";
import { AttemptTable } from "./attempt-table.tsx";
import { Contents } from "./contents.tsx";

const EVERY_MS = 5_000;
const TONES = { succeeded: "good", failed: "bad", waiting: "quiet" } as const;

/** One item's whole story; what was asked and answered stays masked until an operator wants to see it. */
export function Item({ run, index }: { run: string; index: number }) {
  useLive("", {});
  const path = `api/runs/${encodeURIComponent(run)}/items/${index}`;
  const { answer: story, error } = useAnswer<ItemStory>(path, EVERY_MS);
  const w = words.value;
  return (
    <>
      <nav class="crumbs" aria-label={w.common.where}>
        <a href="#/runs">{w.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <a href={runLink(run)}>
          <Text value={run} mono />
        </a>
        <span aria-hidden="true">/</span>
        <span>#{index}</span>
      </nav>
      {error === undefined ? null : <Problem error={error} />}
      {story === undefined ? (
        error === undefined ? (
          <Empty>{w.common.loading}</Empty>
        ) : null
      ) : (
        <Story story={story} />
      )}
    </>
  );
}

function Story({ story }: { story: ItemStory }) {
  const w = words.value.items;
  return (
    <>
      <div class="title">
        <h1>
          <Text value={story.id} />
        </h1>
        <State tone={TONES[story.status]}>{w.statuses[story.status]}</State>
      </div>
      {story.failure === undefined ? null : (
        <div class="note bad">
          <strong>
            <Kind kind={story.failure.kind} />
          </strong>{" "}
          {story.failure.code === undefined ? null : <Text value={story.failure.code} mono />}{" "}
          <Text value={story.failure.message} />
        </div>
      )}
      <Card title={w.record}>
        <div class="body">
          <StoryFacts story={story} />
        </div>
      </Card>
      <Card title={w.history}>
        <AttemptTable story={story} />
      </Card>
      <Contents story={story} />
    </>
  );
}

function StoryFacts({ story }: { story: ItemStory }) {
  const w = words.value.items;
  const { count, moment } = show.value;
  const { answer } = story;
  return (
    <Facts
      facts={[
        { label: w.position, value: `#${count(story.index)}` },
        {
          label: w.model,
          value: story.model === undefined ? count(undefined) : <Text value={story.model} />,
        },
        {
          label: w.origin,
          value: story.origin === undefined ? count(undefined) : <Text value={story.origin} />,
        },
        { label: w.attempts, value: count(story.attempts) },
        {
          label: w.tokens,
          value: count(story.tokens),
          below:
            answer?.inputTokens === undefined && answer?.outputTokens === undefined
              ? undefined
              : w.tokensInOut(count(answer.inputTokens), count(answer.outputTokens)),
        },
        { label: w.recordedAt, value: moment(story.recordedAt, story.at) },
        ...(answer?.dimensions === undefined
          ? []
          : [{ label: w.dimensions, value: count(answer.dimensions) }]),
        ...(answer?.finishReason === undefined
          ? []
          : [{ label: w.finishReason, value: <Text value={answer.finishReason} /> }]),
      ]}
    />
  );
}
