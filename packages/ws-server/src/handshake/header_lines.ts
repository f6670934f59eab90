/** Headers for a response, by name. A list makes one line of each value, as Set-Cookie needs. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>

/** Formats headers as the lines of a response. */
export function header_lines(headers: Readonly<Record<string, unknown>>): string {
  return Object.entries(headers)
    .flatMap(([name, value]) => [value].flat().map(one => `${name}: ${one}\r\n`))
    .join('')
}
