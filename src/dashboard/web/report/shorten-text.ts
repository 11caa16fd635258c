/** At most this many characters, without a part of one; a cut text ends in an ellipsis. */
export function shortenText(text: string, max: number): string {
  const characters = [...text.slice(0, max * 2)];
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : text;
}
