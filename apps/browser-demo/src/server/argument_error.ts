import { visible } from './print.js'

const WRONG_VALUE = / argument '.*' is invalid\./s
const VALUE_OF_UNKNOWN = /(unknown option '[^'=]*)=[^\n]*'/

/** What commander says of wrong arguments, without their values: there may be a password in a URL, or a token in a header. */
export function without_values(message: string): string {
  const shown = message.replace(WRONG_VALUE, ' is invalid.').replace(VALUE_OF_UNKNOWN, "$1'")
  return shown.split('\n').map(visible).join('\n')
}
