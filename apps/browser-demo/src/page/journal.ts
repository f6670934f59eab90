import type { CloseInfo, ReconnectInfo } from '@bt/net'
import { LineList } from './line_list.js'
import { count_text, ms_text, things_text } from './words.js'

const MOST_LINES = 100
const SUM_EVERY_MS = 1_000

/** The totals of the load, over all connections. */
export interface LoadTotals {
  readonly sent: number
  readonly received: number
  readonly refused: number
}

/**
 * The log of the connection. Load is summed up in one line that changes; messages of people get a line each.
 */
export class Journal {
  readonly #lines: LineList
  #last: LoadTotals = { sent: 0, received: 0, refused: 0 }
  #last_ms = 0

  constructor(list: HTMLElement) {
    this.#lines = new LineList(list, MOST_LINES)
  }

  out(text: string): void {
    this.#add('sent', '→', text)
  }

  in(text: string): void {
    this.#add('received', '←', text)
  }

  /** Logs an event of the connection or the room. */
  note(text: string): void {
    this.#add('note', '·', text)
  }

  error(text: string): void {
    this.#add('failed', '!', text)
  }

  /**
   * Logs a lost connection or a failed attempt that another follows. Failed attempts share one line, which
   * changes.
   */
  lost({ attempt, delay_ms, info }: ReconnectInfo): void {
    const next = `attempt ${attempt} in ${ms_text(delay_ms)}`
    if (info.cause !== 'refused') this.note(`lost: ${ending_text(info)}; ${next}`)
    else {
      const text = `· not open: ${ending_text(info)}; ${next}`
      this.#lines.add({ kind: 'note', lead: time_text(), text, replaces: 'attempt' })
    }
  }

  closed(info: CloseInfo): void {
    this.note(`closed: ${ending_text(info)}`)
  }

  /** Sums up the load, once a second while there is one. */
  tick(totals: LoadTotals, is_loading: boolean, now_ms: number): void {
    if (now_ms - this.#last_ms < SUM_EVERY_MS) return
    const passed_s = (now_ms - this.#last_ms) / 1000
    const per_second = (total: number, before: number): string => count_text((total - before) / passed_s)
    const sent = per_second(totals.sent, this.#last.sent)
    const received = per_second(totals.received, this.#last.received)
    // A new connection counts its refusals from 0.
    const refused = Math.max(0, totals.refused - this.#last.refused)
    this.#last = totals
    this.#last_ms = now_ms
    if (!is_loading) return
    const full = refused === 0 ? '' : `, queue_full ${count_text(refused)} times`
    this.#lines.add({
      kind: 'load',
      lead: time_text(),
      text: `⇄ load: ${sent} sent and ${received} received a second${full}`,
      replaces: 'load',
    })
  }

  /** Renders the lines that were added. */
  flush(): void {
    this.#lines.flush()
  }

  #add(kind: string, mark: string, text: string): void {
    this.#lines.add({ kind, lead: time_text(), text: `${mark} ${text}` })
  }
}

function ending_text({ code, cause, reason, clean, unsent }: CloseInfo): string {
  const shown_reason = reason === '' ? '' : `, reason “${reason}”`
  const lost = unsent === 0 ? '' : `, ${things_text(unsent, 'message')} unsent`
  return `code ${code}, cause ${cause}${shown_reason}${clean ? '' : ', not clean'}${lost}`
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

function time_text(): string {
  return clock.format()
}
