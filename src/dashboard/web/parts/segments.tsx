/** A choice of few, all in view. */
export function Segments<Choice extends string>({
  label,
  choices,
  chosen,
  onChoose,
}: {
  label: string;
  choices: readonly { readonly value: Choice; readonly text: string; readonly title?: string }[];
  chosen: Choice;
  onChoose: (choice: Choice) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame and a legend, and this is one control
    <div class="segments" role="group" aria-label={label}>
      {choices.map(({ value, text, title }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === chosen}
          title={title}
          aria-label={title}
          onClick={() => onChoose(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
