import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ItemPage, ItemStatus, ItemSummary, RunPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { Problem } from "../parts/problem.tsx";
import { Said } from "../parts/said.tsx";
import { showControls } from "../parts/show-controls.ts";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import type { Tone } from "../parts/tone-of-run.ts";
import { askServer } from "../server/ask-server.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { keepInAddress } from "./item-address.ts";
import { formatWanted, type WantedItems } from "./wanted-items.ts";

const TONES: Readonly<Record<ItemStatus, Tone>> = { succeeded: "good", failed: "bad", waiting: "quiet" };

/** Items that make a page; what the server finds in one go may be fewer. */
const ENOUGH = 50;
/** Then a person is asked whether to go on. */
const PATIENCE_MS = 10_000;

interface Found {
  readonly query: string;
  readonly items: readonly ItemSummary[];
  readonly next?: number;
  readonly searched: number;
}

/** The run's items, found by their id, their text, or the cause of their failure. */
export function Items({
  page,
  wanted,
  turn,
}: {
  page: RunPage;
  wanted: Signal<WantedItems | undefined>;
  /** Another one whenever `wanted` was changed by something else than the form, which then begins anew. */
  turn: number;
}) {
  const { run } = page;
  const reason = page.refusals.items;
  const found = useSignal<Found | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const w = words.value.items;

  const look = async (query: string, from?: number) => {
    isBusy.value = true;
    error.value = undefined;
    const before = from === undefined ? [] : (found.value?.items ?? []);
    const until = performance.now() + PATIENCE_MS;
    try {
      // A page is what the server could look at in a moment: of a large run, it takes some to find anything.
      for (let next = from, items = before, isOver = false; !isOver; ) {
        const path = `api/runs/${encodeURIComponent(run)}/items?${query}${next === undefined ? "" : `&from=${next}`}`;
        const page = await askServer<ItemPage>(path);
        items = [...items, ...page.items];
        found.value = { ...page, query, items };
        next = page.next;
        isOver = next === undefined || items.length - before.length >= ENOUGH || performance.now() > until;
      }
    } catch (thrown) {
      error.value = thrown;
    } finally {
      isBusy.value = false;
    }
  };
  const now = wanted.value;
  const canRead = page.actions.includes("items");
  useEffect(() => {
    if (now === undefined || !canRead) return;
    keepInAddress(now);
    void look(formatWanted(now));
  }, [now, canRead]);
  if (!canRead)
    return (
      <Card title={w.title}>
        <Empty>
          {reason === undefined ? w.notHere : <Said code={page.refusalCodes?.items} text={reason} />}
        </Empty>
      </Card>
    );
  return (
    <Card title={w.title} id="items">
      <SearchForm key={turn} page={page} wanted={wanted} isBusy={isBusy.value} />
      {error.value === undefined ? null : <Problem error={error.value} />}
      {found.value === undefined ? null : <Result run={run} found={found.value} />}
      {found.value?.next === undefined ? null : (
        <div class="body actions">
          <button
            type="button"
            class="button"
            disabled={isBusy.value}
            onClick={() => found.value && void look(found.value.query, found.value.next)}
          >
            {w.more(show.value.share(found.value.searched))}
          </button>
        </div>
      )}
    </Card>
  );
}

function SearchForm({
  page,
  wanted,
  isBusy,
}: {
  page: RunPage;
  wanted: Signal<WantedItems | undefined>;
  isBusy: boolean;
}) {
  const w = words.value.items;
  const before = wanted.value ?? {};
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    wanted.value = Object.fromEntries([...fields].filter(([, value]) => value !== ""));
  };
  const kinds = new Set(Object.keys(page.failuresByKind));
  if (before.kind) kinds.add(before.kind);
  return (
    <form class="form body" onSubmit={submit}>
      <label class="field grow">
        <span>{w.lookFor}</span>
        <input
          class="input"
          type="search"
          name="text"
          maxLength={500}
          placeholder={w.all}
          defaultValue={before.text ?? ""}
        />
      </label>
      <label class="field">
        <span>{w.where}</span>
        <select class="select" name="in">
          <option value="id">{w.inId}</option>
          {mayAct() ? (
            <option value="text" selected={before.in === "text"}>
              {w.inText}
            </option>
          ) : null}
        </select>
      </label>
      <label class="field">
        <span>{w.status}</span>
        <select class="select" name="status">
          <option value="">{w.anyStatus}</option>
          {(["failed", "succeeded", "waiting"] as const).map((status) => (
            <option key={status} value={status} selected={before.status === status}>
              {w.statuses[status]}
            </option>
          ))}
        </select>
      </label>
      {kinds.size === 0 ? null : (
        <label class="field">
          <span>{w.kind}</span>
          <select class="select" name="kind">
            <option value="">{w.anyStatus}</option>
            {[...kinds].map((kind) => (
              <option key={kind} value={kind} selected={before.kind === kind}>
                {(Object.hasOwn(words.value.kinds, kind) && words.value.kinds[kind]) || showControls(kind)}
              </option>
            ))}
          </select>
        </label>
      )}
      {before.cluster === undefined ? null : (
        <label class="check">
          <input type="checkbox" name="cluster" value={before.cluster} defaultChecked />
          {w.ofCause}
        </label>
      )}
      <button type="submit" class="button" disabled={isBusy}>
        {isBusy ? words.value.common.working : w.look}
      </button>
    </form>
  );
}

function Result({ run, found }: { run: string; found: Found }) {
  const w = words.value.items;
  const { count } = show.value;
  if (found.items.length === 0)
    return (
      <Empty>{found.next === undefined ? w.noneFits : w.noneYet(show.value.share(found.searched))}</Empty>
    );
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.item}</th>
          <th scope="col">{w.status}</th>
          <th scope="col" class="number">
            {w.tokens}
          </th>
          <th scope="col" class="number">
            {w.attempts}
          </th>
          <th scope="col" class="wide">
            {w.failure}
          </th>
        </tr>
      </thead>
      <tbody>
        {found.items.map((item) => (
          <tr key={item.index}>
            <td class="name">
              <a href={itemLink(run, item.index)}>
                <Text value={item.id} cut />
              </a>
              <span class="below">#{count(item.index)}</span>
            </td>
            <td>
              <State tone={TONES[item.status]}>{w.statuses[item.status]}</State>
            </td>
            <td class="number" data-label={w.tokens}>
              {count(item.tokens)}
            </td>
            <td class="number" data-label={w.attempts}>
              {count(item.attempts)}
            </td>
            <td class="full">
              {item.failure === undefined ? null : (
                <>
                  <Kind kind={item.failure.kind} />: <Text value={item.failure.message} />
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
