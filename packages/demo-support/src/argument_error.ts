const WRONG_VALUE = / argument '.*' is invalid\./s
const VALUE_OF_UNKNOWN = /(unknown option '[^'=]*)=[^\n]*'/

/**
 * Removes argument values from an error of commander, because a URL may contain a password, and a header a
 * token. `visible` makes each line safe to print.
 */
export function redact_values(message: string, visible: (line: string) => string): string {
  const shown = message.replace(WRONG_VALUE, ' is invalid.').replace(VALUE_OF_UNKNOWN, "$1'")
  return shown.split('\n').map(visible).join('\n')
}
