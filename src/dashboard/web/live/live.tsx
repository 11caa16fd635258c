import { useSignal } from "@preact/signals";
import type { LiveChat, LiveChats, Overview } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { showControls } from "../parts/show-controls.ts";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { useLive } from "../server/live.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { FollowedChat, useFollowedChat } from "./follow-chat.tsx";
import { FollowedRecords, useFollowedRecords } from "./follow-records.tsx";

/** What is being said and recorded at this moment: tokens of a chat, records of an embedding run. */
export function Live() {
  const chats = useSignal<LiveChats | undefined>(undefined);
  const runs = useSignal<Overview["runs"]["active"] | undefined>(undefined);
  const followed = useSignal<string | undefined>(undefined);
  const chosen = useSignal<string | undefined>(undefined);
  const answer = useFollowedChat();
  const records = useFollowedRecords();
  const run = chosen.value ?? runs.value?.[0]?.run;
  const query = new URLSearchParams({ chats: "1", overview: "1" });
  if (followed.value !== undefined) query.set("chat", followed.value);
  if (run !== undefined) query.set("records", run);
  useLive(query.toString(), {
    open: answer.begin,
    chat: answer.take,
    records: records.take,
    chats: (next) => {
      chats.value = next;
    },
    overview: (next) => {
      runs.value = livelyFirst(
        next.runs.active.filter(({ kind }) => kind === undefined || kind === "embedding"),
      );
    },
    refused: (event) => {
      if (event.topic === "chat") answer.refuse(event);
    },
  });
  const w = words.value;
  return (
    <>
      <h1>{w.nav.live}</h1>
      {followed.value === undefined ? null : (
        <FollowedChat item={followed.value} state={answer.state.value} />
      )}
      <Card title={w.live.chats} end={chats.value === undefined ? null : <ChatCounts chats={chats.value} />}>
        {chats.value === undefined ? (
          <Empty>{w.common.loading}</Empty>
        ) : chats.value.chats.length === 0 ? (
          <Empty command='sluice chat "Why is the sky blue?" --model zhipu/glm-4-plus'>
            {w.live.noChats}
          </Empty>
        ) : (
          <ChatTable chats={chats.value} followed={followed} />
        )}
      </Card>
      <Card title={w.live.records} end={<RunChoice runs={runs.value} run={run} chosen={chosen} />}>
        {run === undefined ? (
          <Empty command="sluice embed ./docs --model minimax/embo-01 --out ./vectors">{w.live.noRuns}</Empty>
        ) : (
          <FollowedRecords run={run} state={records.state.value} />
        )}
      </Card>
    </>
  );
}

/** Runs that bring records at this moment before those that stand still; otherwise as they come. */
function livelyFirst(runs: Overview["runs"]["active"]): Overview["runs"]["active"] {
  const isLively = ({ phase }: (typeof runs)[number]) => phase === "running" || phase === "finishing";
  return [...runs.filter(isLively), ...runs.filter((run) => !isLively(run))];
}

/** How many chats workers hold, how many of them are being answered, and how many of them are listed. */
function ChatCounts({ chats }: { chats: LiveChats }) {
  const w = words.value;
  const { count } = show.value;
  const shown = chats.chats.length;
  return (
    <span class="small soft">
      {[
        w.live.running(count(chats.total)),
        chats.answering === undefined ? "" : w.live.answering(count(chats.answering)),
        shown < chats.total ? w.common.shownOf(count(shown), count(chats.total)) : "",
      ]
        .filter(Boolean)
        .join(" · ")}
    </span>
  );
}

function RunChoice({
  runs,
  run,
  chosen,
}: {
  runs: Overview["runs"]["active"] | undefined;
  run: string | undefined;
  chosen: { value: string | undefined };
}) {
  if (runs === undefined || runs.length === 0) return null;
  return (
    <select
      class="select"
      aria-label={words.value.live.chooseRun}
      value={run ?? ""}
      onChange={(event) => {
        chosen.value = event.currentTarget.value;
      }}
    >
      {runs.map((one) => (
        <option key={one.run} value={one.run}>
          {showControls(`${one.name ?? ""} ${one.run}`.trim())}
        </option>
      ))}
    </select>
  );
}

/** Of many chats the rest is shown when it is asked for: the records below would be out of sight. */
const SHOWN = 20;

function ChatTable({ chats, followed }: { chats: LiveChats; followed: { value: string | undefined } }) {
  const isWhole = useSignal(false);
  const sorted = [...chats.chats].sort((a, b) => Number(b.streams) - Number(a.streams));
  return (
    <>
      <ChatLines chats={isWhole.value ? sorted : sorted.slice(0, SHOWN)} at={chats.at} followed={followed} />
      {sorted.length > SHOWN && !isWhole.value ? (
        <div class="body actions">
          <button
            type="button"
            class="button"
            onClick={() => {
              isWhole.value = true;
            }}
          >
            {words.value.common.showAll(show.value.count(sorted.length))}
          </button>
        </div>
      ) : null}
    </>
  );
}

function ChatLines({
  chats,
  at,
  followed,
}: {
  chats: readonly LiveChat[];
  at: number;
  followed: { value: string | undefined };
}) {
  const w = words.value.live;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col" class="wide">
            {w.chat}
          </th>
          <th scope="col">{w.queue}</th>
          <th scope="col" class="number">
            {w.since}
          </th>
          <th scope="col">{w.state}</th>
          <th scope="col">
            <span class="unseen">{w.follow}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {chats.map((chat) => (
          <ChatLine key={chat.item} chat={chat} at={at} followed={followed} />
        ))}
      </tbody>
    </table>
  );
}

function ChatLine({
  chat,
  at,
  followed,
}: {
  chat: LiveChat;
  at: number;
  followed: { value: string | undefined };
}) {
  const w = words.value.live;
  const { age } = show.value;
  const isFollowed = followed.value === chat.item;
  return (
    <tr>
      <td class="name">
        <Text value={chat.model} />
        <span class="below">
          {chat.run !== undefined && chat.index !== undefined ? (
            <a href={itemLink(chat.run, chat.index)}>
              <Text value={`${chat.run} #${chat.index}`} />
            </a>
          ) : (
            <Text value={chat.item} mono />
          )}
        </span>
      </td>
      <td class="line" data-label={w.queue}>
        <Text value={chat.queue} cut />
      </td>
      <td class="number" data-label={w.since}>
        {age(chat.startedAt, at)}
      </td>
      <td class="line" data-label={w.state}>
        <ChatState chat={chat} />
      </td>
      <td class="full line">
        {mayAct() && chat.streams ? (
          <button
            type="button"
            class="button slight"
            aria-pressed={isFollowed}
            onClick={() => {
              followed.value = isFollowed ? undefined : chat.item;
            }}
          >
            {isFollowed ? w.stop : w.follow}
          </button>
        ) : (
          <span class="small soft">{chat.streams ? w.operatorsOnly : w.noStream}</span>
        )}
      </td>
    </tr>
  );
}

/** Held by a worker is not yet answered: most wait for a reservation on their lane. */
function ChatState({ chat: { state, attempt = 1 } }: { chat: LiveChat }) {
  const w = words.value.live;
  if (state === undefined) return <>{show.value.count(undefined)}</>;
  const isAnswering = state === "answering";
  return (
    <>
      <State tone={isAnswering ? "live" : "quiet"}>{w.states[state]}</State>
      <span class="below">
        {[isAnswering ? "" : w.waitsFor, attempt > 1 ? words.value.items.attemptNumber(String(attempt)) : ""]
          .filter(Boolean)
          .join(" · ")}
      </span>
    </>
  );
}
