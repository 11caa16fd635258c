/** A choice between a few options that are all visible. */
export function SegmentedControl<Option extends string>({
  label,
  options,
  selected,
  onSelect,
}: {
  label: string;
  options: readonly { readonly value: Option; readonly text: string; readonly title?: string }[];
  selected: Option;
  onSelect: (option: Option) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame and a legend, and this is one control
    <div class="segmented-control" role="group" aria-label={label}>
      {options.map(({ value, text, title }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === selected}
          title={title}
          aria-label={title}
          onClick={() => onSelect(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
