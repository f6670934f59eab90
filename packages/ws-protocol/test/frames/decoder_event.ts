import { type BrokenRule, describe_broken_rule } from '../../src/frames/broken_rule.js'

const bytes_of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Formats the events of decoders as lines, to compare several decoders and to show differences. */
export const decoder_event = {
  message: (data: string | Uint8Array, payload_bytes: number): string =>
    typeof data === 'string'
      ? `text of ${payload_bytes}: ${JSON.stringify(data)}`
      : `binary of ${payload_bytes}: ${bytes_of(data)}`,
  compressed: (payload: Uint8Array, is_text: boolean): string =>
    `compressed ${is_text ? 'text' : 'binary'}: ${bytes_of(payload)}`,
  ping: (payload: Uint8Array): string => `ping: ${bytes_of(payload)}`,
  pong: (): string => 'pong',
  close: (code: number, reason: string): string => `Close ${code}: ${JSON.stringify(reason)}`,
  broken: (rule: BrokenRule): string => `${failed(close_code_of(rule))}: ${rule}`,
  /** A broken rule as reported by `ws`, which does not name the rule. */
  failed: (close_code: number): string => failed(close_code),
}

const failed = (close_code: number): string => `failed with ${close_code}`

const close_code_of = (rule: BrokenRule): number =>
  describe_broken_rule(rule, { max_payload: 0, max_fragments: 0 }).close_code

/** Whether the peer has broken a rule. */
export function has_failed(events: readonly string[]): boolean {
  return events.at(-1)?.startsWith('failed with') === true
}

/** Returns the events without the names of our rules. */
export function without_rules(events: readonly string[]): string[] {
  return events.map(event => event.replace(/^(failed with \d+): .*$/, '$1'))
}
