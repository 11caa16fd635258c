/** Everything that can be wrong with input. A message follows the path, "path:line" or option that it is about. */
export const INPUT_PROBLEMS = {
  // Paths, folders and globs
  notFound: "no such file or folder",
  permissionDenied: "cannot be read: permission denied",
  linkLoop: "cannot be read: a loop of symbolic links",
  systemError: (code: string) => `cannot be read (${code})`,
  inOutputFolder: "is the output folder or is inside it",
  notRegular: "is neither a file nor a folder; to read from a pipe, use - with JSONL",
  stdinTwice: "standard input can be read only once",
  noStdin: "no standard input was given",
  emptyFolder: (extensions: string) => `is empty. Supported: ${extensions}`,
  noSupportedFile: (others: number, extensions: string) =>
    `contains no supported file (${others} others). Supported: ${extensions}`,
  noMatch: "matches no file",
  noSupportedMatch: (files: number) => `matches ${files} files, none of them supported`,
  unsupportedFile: (extensions: string) => `is neither a text file nor of a supported type (${extensions})`,

  // Files
  changed: "changed while it was being read; run the command again when it is complete",
  utf16: "is UTF-16; convert it to UTF-8 first",
  convertFirst: (format: string) => `is ${format}; convert it to text first`,
  binary: (offset: number) => `looks binary: a NUL byte at byte ${offset}; expected UTF-8 text`,
  invalidUtf8: (offset: number) => `invalid UTF-8 at byte ${offset}; convert the file to UTF-8`,
  tooLarge: (megabytes: number) => `is larger than ${megabytes} MB; split it, or pass its parts as JSONL records`,
  noText: "contains no text",

  // Lines of JSONL
  lineTooLong: (megabytes: number) => `line is longer than ${megabytes} MB`,
  lineInvalidUtf8: (offset: number) => `invalid UTF-8 at byte ${offset} of the line`,
  invalidJson: (column: number) => `not valid JSON (column ${column})`,
  incompleteJson: "not valid JSON: the line ends too early",
  notJson: "not valid JSON; expected one object per line",
  tooDeep: "is nested too deeply",

  surrogateInLine: "contains an unpaired surrogate (invalid Unicode)",

  // JSON
  recordTooLong: (megabytes: number) => `record is longer than ${megabytes} MB`,
  emptyElement: "not valid JSON: an element of the array is missing",
  arrayNotClosed: "not valid JSON: the array is not closed",
  textAfterArray: "not valid JSON: text after the end of the array",

  // Records of CSV
  header: (problem: string) => `header: ${problem}`,
  otherDelimiter: (delimiter: string) =>
    `is not separated as expected; if its delimiter is ${delimiter === "\t" ? "a tab" : `"${delimiter}"`}, add --delimiter ${delimiter === "\t" ? "tab" : `"${delimiter}"`}`,
  duplicateColumn: (name: string) => `two columns are named ${JSON.stringify(name)}`,
  cellCount: (cells: number, columns: number) =>
    `has ${cells} ${cells === 1 ? "cell" : "cells"}, but the header has ${columns}`,
  csvInvalidUtf8: (offset: number) => `invalid UTF-8 at byte ${offset} of the file`,
  csvNul: "contains a NUL byte; expected text",
  quoteNotClosed: "a quoted cell that starts here is never closed",
  quoteInQuotedCell: (quote: string) =>
    `a quoted cell that starts here contains a single quote; write it twice (${quote}${quote})`,
  quoteInPlainCell: (quote: string) =>
    `a quote inside an unquoted cell; put the cell in quotes and write the quote twice (${quote}${quote}), or use --quote none`,
  csvTooLong: "a record is longer than 16 MB; perhaps a quoted cell is never closed",
  csvEndlessLine: (problem: string) => `${problem}, and its line has no end`,

  // Parquet
  columnTooLarge: (megabytes: number) =>
    `a column of a row group is larger than ${megabytes} MB; write the file again with smaller row groups`,
  parquetError: (reason: string) => `cannot be read as Parquet: ${reason}`,
  bytesOmitted: (path: string, columns: readonly string[]) =>
    `${path}: columns with bytes are left out: ${columns.slice(0, 12).join(", ")}${columns.length > 12 ? `, and ${columns.length - 12} more` : ""}`,
  stringInvalidUtf8: "invalid UTF-8 in a string",

  // Fields of records
  noMetadataField: (path: string, names: readonly string[]) =>
    `${path}: has no column ${names.map((name) => JSON.stringify(name)).join(", ")} (--metadata-fields)`,
  protoKey: 'the key "__proto__" is not accepted; rename the field',
  notAnObject: (textField: string, found: string) => `expected an object with the field "${textField}", got ${found}`,
  emptyId: (field: string) => `the id field "${field}" is empty`,
  invalidId: (field: string) => `the id field "${field}" contains an unpaired surrogate (invalid Unicode)`,
  idType: (field: string, found: string) => `the id field "${field}" must be a string or a number, got ${found}`,
  noTextField: (field: string, fields: string) =>
    `no field "${field}"; it has ${fields} (use --text-field to choose one)`,
  textType: (field: string, found: string, fields: string) =>
    `the field "${field}" must be a string, got ${found}; it has ${fields}`,
  emptyText: (field: string) => `the field "${field}" is empty`,
  invalidMetadata: (field: string) => `the field ${field} contains an unpaired surrogate (invalid Unicode)`,
  invalidText: (field: string) => `the field "${field}" contains an unpaired surrogate (invalid Unicode)`,
} as const;
