import { words } from "../words/words.ts";
import { Text } from "./text.tsx";

/** A kind of failure in the reader's language; one that has no word here is shown as it came. */
export function Kind({ kind }: { kind: string }) {
  const word = Object.hasOwn(words.value.kinds, kind) ? words.value.kinds[kind] : undefined;
  return word ?? <Text value={kind} />;
}
