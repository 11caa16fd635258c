import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { LiveChat, LiveChats } from "#src/dashboard/live/chat-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";
import { FollowedChat, useFollowedChat } from "./follow-chat.tsx";
import { FollowedRecords, useFollowedRecords } from "./follow-records.tsx";

/** Chats in progress, with the streamed answer of one of them, and the latest records of an embedding run. */
export function LiveScreen() {
  const chats = useSignal<LiveChats | undefined>(undefined);
  const runs = useSignal<Overview["runs"]["active"] | undefined>(undefined);
  const followed = useSignal<string | undefined>(undefined);
  const selected = useSignal<string | undefined>(undefined);
  const answer = useFollowedChat();
  const records = useFollowedRecords();
  const run = selected.value ?? runs.value?.[0]?.run;
  const query = new URLSearchParams({ chats: "1", overview: "1" });
  if (followed.value !== undefined) query.set("chat", followed.value);
  if (run !== undefined) query.set("records", run);
  useEventStream(query.toString(), {
    open: answer.reset,
    chat: answer.handleEvent,
    records: records.handleEvent,
    chats: (next) => {
      chats.value = next;
    },
    overview: (next) => {
      runs.value = activeFirst(next.runs.active.filter(({ kind }) => kind === undefined || kind === "embedding"));
    },
    refused: (event) => {
      if (event.topic === "chat") answer.handleRefusal(event);
    },
  });
  const t = translations.value;
  return (
    <>
      <h1>{t.nav.live}</h1>
      {followed.value === undefined ? null : <FollowedChat item={followed.value} state={answer.state.value} />}
      <Card title={t.live.activeChats} actions={chats.value === undefined ? null : <ChatCounts chats={chats.value} />}>
        {chats.value === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : chats.value.chats.length === 0 ? (
          <EmptyState command={SUGGESTED_COMMANDS.chat()}>{t.live.noChats}</EmptyState>
        ) : (
          <ChatTable chats={chats.value} followed={followed} />
        )}
      </Card>
      <Card title={t.live.latestRecords} actions={<RunSelect runs={runs.value} run={run} selected={selected} />}>
        {run === undefined ? (
          <EmptyState command={SUGGESTED_COMMANDS.embed()}>{t.live.noRuns}</EmptyState>
        ) : (
          <FollowedRecords run={run} state={records.state.value} />
        )}
      </Card>
    </>
  );
}

/** Sorts runs that produce records before the others; otherwise keeps their order. */
function activeFirst(runs: Overview["runs"]["active"]): Overview["runs"]["active"] {
  const isActive = ({ phase }: (typeof runs)[number]) => phase === "running" || phase === "finishing";
  return [...runs.filter(isActive), ...runs.filter((run) => !isActive(run))];
}

/** How many chats are in progress, how many of them are being answered, and how many are listed. */
function ChatCounts({ chats }: { chats: LiveChats }) {
  const t = translations.value;
  const { count } = formatters.value;
  const shown = chats.chats.length;
  return (
    <span class="small muted">
      {[
        t.live.inProgress(count(chats.total)),
        chats.answering === undefined ? "" : t.live.answering(count(chats.answering)),
        shown < chats.total ? t.common.shownOf(count(shown), count(chats.total)) : "",
      ]
        .filter(Boolean)
        .join(" · ")}
    </span>
  );
}

function RunSelect({
  runs,
  run,
  selected,
}: {
  runs: Overview["runs"]["active"] | undefined;
  run: string | undefined;
  selected: { value: string | undefined };
}) {
  if (runs === undefined || runs.length === 0) return null;
  return (
    <select
      class="select"
      aria-label={translations.value.live.selectRun}
      value={run ?? ""}
      onChange={(event) => {
        selected.value = event.currentTarget.value;
      }}
    >
      {runs.map((option) => (
        <option key={option.run} value={option.run}>
          {escapeControlCharacters(`${option.name ?? ""} ${option.run}`.trim())}
        </option>
      ))}
    </select>
  );
}

/** Further chats are shown on demand, because they would push the records below out of sight. */
const COLLAPSED_COUNT = 20;

function ChatTable({ chats, followed }: { chats: LiveChats; followed: { value: string | undefined } }) {
  const isExpanded = useSignal(false);
  const sorted = [...chats.chats].sort((a, b) => Number(b.isStreaming) - Number(a.isStreaming));
  return (
    <>
      <ChatRows
        chats={isExpanded.value ? sorted : sorted.slice(0, COLLAPSED_COUNT)}
        at={chats.at}
        followed={followed}
      />
      {sorted.length > COLLAPSED_COUNT && !isExpanded.value ? (
        <div class="card-body actions">
          <button
            type="button"
            class="button"
            onClick={() => {
              isExpanded.value = true;
            }}
          >
            {translations.value.common.showAll(formatters.value.count(sorted.length))}
          </button>
        </div>
      ) : null}
    </>
  );
}

function ChatRows({
  chats,
  at,
  followed,
}: {
  chats: readonly LiveChat[];
  at: number;
  followed: { value: string | undefined };
}) {
  const t = translations.value.live;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col" class="wide">
            {t.chat}
          </th>
          <th scope="col">{t.queue}</th>
          <th scope="col" class="numeric">
            {t.elapsed}
          </th>
          <th scope="col">{t.state}</th>
          <th scope="col">
            <span class="visually-hidden">{t.follow}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {chats.map((chat) => (
          <ChatRow key={chat.item} chat={chat} at={at} followed={followed} />
        ))}
      </tbody>
    </table>
  );
}

function ChatRow({ chat, at, followed }: { chat: LiveChat; at: number; followed: { value: string | undefined } }) {
  const t = translations.value.live;
  const { age } = formatters.value;
  const isFollowed = followed.value === chat.item;
  return (
    <tr>
      <td class="name">
        <UntrustedText value={chat.model} />
        <span class="secondary">
          {chat.run !== undefined && chat.index !== undefined ? (
            <a href={itemLink(chat.run, chat.index)}>
              <UntrustedText value={`${chat.run} #${chat.index}`} />
            </a>
          ) : (
            <UntrustedText value={chat.item} isMonospace />
          )}
        </span>
      </td>
      <td class="nowrap" data-label={t.queue}>
        <UntrustedText value={chat.queue} truncate />
      </td>
      <td class="numeric" data-label={t.elapsed}>
        {age(chat.startedAt, at)}
      </td>
      <td class="nowrap" data-label={t.state}>
        <ChatState chat={chat} />
      </td>
      <td class="full-width nowrap">
        {canOperate() && chat.isStreaming ? (
          <button
            type="button"
            class="button compact"
            aria-pressed={isFollowed}
            onClick={() => {
              followed.value = isFollowed ? undefined : chat.item;
            }}
          >
            {isFollowed ? t.stopFollowing : t.follow}
          </button>
        ) : (
          <span class="small muted">{chat.isStreaming ? t.operatorsOnly : t.notStreaming}</span>
        )}
      </td>
    </tr>
  );
}

/** Most chats that a worker has taken are not being answered yet: they wait for a reservation on their lane. */
function ChatState({ chat: { state, attempt = 1 } }: { chat: LiveChat }) {
  const t = translations.value.live;
  if (state === undefined) return <>{formatters.value.count(undefined)}</>;
  const isAnswering = state === "answering";
  return (
    <>
      <StatusBadge tone={isAnswering ? "active" : "neutral"}>{t.states[state]}</StatusBadge>
      <span class="secondary">
        {[isAnswering ? "" : t.waitingFor, attempt > 1 ? translations.value.items.attemptNumber(String(attempt)) : ""]
          .filter(Boolean)
          .join(" · ")}
      </span>
    </>
  );
}
