import { useSignal } from "@preact/signals";
import type { AuditLine, AuditPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Problem } from "../parts/problem.tsx";
import { Said } from "../parts/said.tsx";
import { Text } from "../parts/text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { askServer } from "../server/ask-server.ts";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";
import { readDetail } from "./read-detail.ts";

const LINES = 50;
const EVERY_MS = 5_000;

interface Older {
  readonly lines: readonly AuditLine[];
  readonly next?: string | undefined;
}

/** Who changed what, the newest first. */
export function Audit() {
  useLive("", {});
  const older = useSignal<Older | undefined>(undefined);
  const olderError = useSignal<unknown>(undefined);
  // What is below has its place: with older lines in view the newest are not read again.
  const newest = useAnswer<AuditPage>(
    `api/audit?limit=${LINES}`,
    older.value === undefined ? EVERY_MS : undefined,
  );
  const next = older.value === undefined ? newest.answer?.next : older.value.next;
  const error = newest.error ?? olderError.value;
  const load = async (before: string) => {
    try {
      const page = await askServer<AuditPage>(
        `api/audit?limit=${LINES}&before=${encodeURIComponent(before)}`,
      );
      const lines = older.value?.lines ?? newest.answer?.lines ?? [];
      older.value = { lines: [...lines, ...page.lines], next: page.next };
      olderError.value = undefined;
    } catch (thrown) {
      olderError.value = thrown;
    }
  };
  const lines = older.value?.lines ?? newest.answer?.lines;
  const w = words.value;
  return (
    <>
      <h1>{w.nav.audit}</h1>
      {error === undefined ? null : <Problem error={error} />}
      <Card title={w.audit.title}>
        {lines === undefined ? (
          error === undefined ? (
            <Empty>{w.common.loading}</Empty>
          ) : null
        ) : lines.length === 0 ? (
          <Empty>{w.audit.none}</Empty>
        ) : (
          <AuditTable lines={lines} />
        )}
      </Card>
      {next === undefined ? null : (
        <div class="actions">
          <button type="button" class="button" onClick={() => void load(next)}>
            {w.common.older}
          </button>
        </div>
      )}
    </>
  );
}

function AuditTable({ lines }: { lines: readonly AuditLine[] }) {
  const w = words.value.audit;
  const { moment } = show.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.at}</th>
          <th scope="col">{w.who}</th>
          <th scope="col">{w.action}</th>
          <th scope="col">{w.target}</th>
          <th scope="col">{w.detail}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td class="line full">{moment(line.at, Date.now())}</td>
            <td data-label={w.who}>
              <Text value={line.who} /> <span class="soft">{words.value.roles[line.role]}</span>
            </td>
            <td data-label={w.action}>
              {line.outcome === "refused" ? `${w.refused} ` : null}
              {(Object.hasOwn(w.actions, line.action) && w.actions[line.action]) || (
                <Text value={line.action} />
              )}
            </td>
            <td class="full target">
              {line.target === undefined ? null : <Text value={line.target} mono />}
            </td>
            <td class="full target">
              <Detail line={line} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Detail({ line: { detail, outcome, reason } }: { line: AuditLine }) {
  if (outcome === "refused" && reason !== undefined) {
    const errors: Readonly<Record<string, string | undefined>> = words.value.errors;
    return <Said code={reason} text={errors[reason] ?? reason.replaceAll("-", " ")} />;
  }
  if (detail === undefined) return null;
  const { lanes, audit } = words.value;
  return (
    <>
      {readDetail(detail).map((part, index) => (
        <span key={index}>
          {index === 0 ? null : ", "}
          {part.kind === "limit"
            ? `${lanes[part.dimension]} ${show.value.count(part.figure)}`
            : part.kind === "window"
              ? audit.window(show.value.count(part.figure))
              : (Object.hasOwn(audit.details, part.text) && audit.details[part.text]) || (
                  <Text value={part.text} />
                )}
        </span>
      ))}
    </>
  );
}
