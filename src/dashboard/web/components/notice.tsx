import { signal } from "@preact/signals";

const notices = signal<readonly { readonly id: number; readonly text: string }[]>([]);
const DISPLAY_MS = 6_000;

/** Shows a message for six seconds, and announces it to screen readers. */
export function showNotice(text: string): void {
  const id = (notices.value.at(-1)?.id ?? 0) + 1;
  notices.value = [...notices.value.slice(-2), { id, text }];
  setTimeout(() => {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  }, DISPLAY_MS);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text }) => (
        <p key={id} class="untrusted-text">
          {text}
        </p>
      ))}
    </div>
  );
}
