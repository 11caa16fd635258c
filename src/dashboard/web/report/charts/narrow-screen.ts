import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 40rem)");

/** Whether charts are drawn for a phone. */
export const isNarrowScreen = signal(query.matches);
query.addEventListener("change", ({ matches }) => {
  isNarrowScreen.value = matches;
});
