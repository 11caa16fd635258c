import { words } from "../words/words.ts";
import { Text } from "./text.tsx";

/** A sentence of the server: in the reader's language where its code has words there, else as it came. */
export function Said({ code, text }: { code: string | undefined; text: string }) {
  return <>{sayReason(code) ?? <Text value={text} />}</>;
}

/** The reader's words for a code of the server; undefined where there are none. */
export function sayReason(code: string | undefined): string | undefined {
  const { reasons } = words.value;
  return code !== undefined && Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}
