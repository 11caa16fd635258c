import { useSignal } from "@preact/signals";
import type { ItemStory, MaskedText, RevealedItem } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card } from "../parts/card.tsx";
import { ask } from "../parts/dialog.tsx";
import { Said } from "../parts/said.tsx";
import { askServer } from "../server/ask-server.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";

/** What was asked and what was answered: how long they are, and, once asked for, what they say. */
export function Contents({ story }: { story: ItemStory }) {
  const revealed = useSignal<RevealedItem | undefined>(undefined);
  const w = words.value.items;
  const hasText = story.request.characters !== undefined || story.response.characters !== undefined;
  const reveal = () =>
    ask({
      title: w.showTitle,
      body: <p>{w.showBody}</p>,
      confirm: w.show,
      act: async () => {
        const path = `api/runs/${encodeURIComponent(story.run)}/items/${story.index}/reveal`;
        revealed.value = await askServer<RevealedItem>(path, { body: {} });
        return words.value.items.shown;
      },
    });
  const button = revealed.value ? (
    <button
      type="button"
      class="button slight"
      onClick={() => {
        revealed.value = undefined;
      }}
    >
      {w.hide}
    </button>
  ) : mayAct() && hasText ? (
    <button type="button" class="button slight" onClick={reveal}>
      {w.show}
    </button>
  ) : null;
  return (
    <Card title={w.contents} end={button}>
      <div class="body columns">
        <Content title={w.request} masked={story.request} plain={revealed.value?.request} />
        <Content title={w.response} masked={story.response} plain={revealed.value?.response} />
      </div>
    </Card>
  );
}

function Content({
  title,
  masked,
  plain,
}: {
  title: string;
  masked: MaskedText;
  plain: RevealedItem["request"];
}) {
  const w = words.value.items;
  const { count } = show.value;
  return (
    <section>
      <h3>{title}</h3>
      {plain === undefined ? (
        <p class="soft">
          {masked.characters === undefined ? (
            masked.absent === undefined ? (
              count(undefined)
            ) : (
              <Said code={masked.absentCode && `absent-${masked.absentCode}`} text={masked.absent} />
            )
          ) : (
            w.masked(count(masked.characters))
          )}
        </p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
          <pre class="words" tabIndex={0}>
            {plain.text}
          </pre>
          {plain.cut === undefined ? null : <p class="small soft">{w.cut(count(plain.cut))}</p>}
        </>
      )}
    </section>
  );
}
