/** What the user selected earlier. Null without a selection, and where the browser forbids storage, as in some previews. */
export function readPreference(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function savePreference(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It applies until the page is closed.
  }
}
