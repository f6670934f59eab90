import { type Curves, curves_svg } from '../report/curves.js'
import { markdown_of } from '../report/table.js'
import type { Machine } from '../results.js'
import { ENDINGS, type EndingName, type Restart, type RestartSettings } from './restart.js'

/** The results of a run, as they are kept. */
export interface RestartResults {
  readonly date: string
  readonly machine: Machine
  /** The load average of the last minute, before each restart. */
  readonly load_average: Readonly<Record<EndingName, number>>
  readonly settings: RestartSettings
  readonly restarts: Readonly<Record<EndingName, Restart>>
}

const COLORS: Readonly<Record<EndingName, string>> = {
  hint: '#2f6feb',
  no_hint: '#2da44e',
  killed: '#c4783c',
}

const STEP_MS = 250
const MS_PER_S = 1_000

/** Returns how many connections per second were opened in each step of time. */
export function rates_of(opened_ms: readonly number[]): number[] {
  const last_ms = Math.max(0, ...opened_ms)
  const counts = Array.from({ length: Math.floor(last_ms / STEP_MS) + 1 }, () => 0)
  for (const at_ms of opened_ms) {
    const step = Math.floor(at_ms / STEP_MS)
    counts[step] = (counts[step] as number) + 1
  }
  return counts.map(count => (count * MS_PER_S) / STEP_MS)
}

/** Returns the time until a share of the clients was back, in milliseconds. */
export function back_ms(opened_ms: readonly number[], share: number): number {
  return opened_ms[Math.ceil(opened_ms.length * share) - 1] ?? 0
}

/** Draws the connections per second over time. */
export function restarts_svg({ restarts, settings }: RestartResults): string {
  const curves: Curves['curves'] = names_of(restarts).map(name => ({
    label: ENDINGS[name].label,
    color: COLORS[name],
    values: rates_of(restarts[name].opened_ms),
  }))
  const clients = settings.clients.toLocaleString('en')
  return curves_svg({
    title: `${clients} clients whose server restarts`,
    caption: `connections per second at the new server, by the time since the old one began to end`,
    step_s: STEP_MS / MS_PER_S,
    curves,
  })
}

/** Returns the main figures as a table in Markdown. */
export function restarts_table({ restarts }: RestartResults): string {
  const seconds = (ms: number): string => `${(ms / MS_PER_S).toFixed(1)} s`
  return markdown_of({
    title: 'Clients whose server restarts',
    columns: ['connections/s at most', 'half are back', 'all are back', 'attempts'],
    rows: names_of(restarts).map(name => {
      const { opened_ms, attempts } = restarts[name]
      return {
        name: ENDINGS[name].label,
        cells: [
          Math.max(...rates_of(opened_ms)).toLocaleString('en'),
          seconds(back_ms(opened_ms, 0.5)),
          seconds(back_ms(opened_ms, 1)),
          attempts.toLocaleString('en'),
        ],
      }
    }),
  })
}

function names_of(restarts: RestartResults['restarts']): EndingName[] {
  return Object.keys(restarts) as EndingName[]
}
