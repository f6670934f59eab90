import { card, linear_ticks, rounded, text, WIDTH } from './svg.js'

/** A chart of curves over time. */
export interface Curves {
  readonly title: string
  /** The quantity with its unit. */
  readonly caption: string
  /** The width of each step, in seconds. */
  readonly step_s: number
  readonly curves: readonly Curve[]
}

/** One curve: a value for each step, the first from 0 s on. */
export interface Curve {
  readonly label: string
  readonly color: string
  readonly values: readonly number[]
}

const LEFT = 64
const RIGHT = 24
const TOP = 64
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const PLOT_HEIGHT = 240
const BASE = TOP + PLOT_HEIGHT
const AXIS = 42
const LEGEND_ROW = 20

/** Draws curves as SVG, with a legend below. */
export function curves_svg({ title, caption, step_s, curves }: Curves): string {
  const steps = Math.max(...curves.map(({ values }) => values.length))
  const most = Math.max(1, ...curves.flatMap(({ values }) => values))
  const x_of = (step: number): number => rounded(LEFT + (step / steps) * PLOT_WIDTH)
  const y_of = (value: number): number => rounded(BASE - (value / most) * PLOT_HEIGHT)
  const grid = linear_ticks(most).flatMap(tick => [
    `<line class="grid" x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y_of(tick)}" y2="${y_of(tick)}"/>`,
    text(LEFT - 8, y_of(tick) + 4, tick.toLocaleString('en'), 'faint', 'end'),
  ])
  const seconds = linear_ticks(steps * step_s).map(tick =>
    text(x_of(tick / step_s), BASE + 18, `${tick} s`, 'faint', 'middle'),
  )
  const lines = curves.map(({ color, values }) => {
    const path = values.map((value, step) => `H${x_of(step)}V${y_of(value)}H${x_of(step + 1)}`).join('')
    return `<path d="M${LEFT} ${BASE}${path}V${BASE}" fill="none" stroke="${color}" stroke-width="2"/>`
  })
  const legend = curves.flatMap(({ label, color }, index) => {
    const y = BASE + AXIS + index * LEGEND_ROW
    return [
      `<rect x="${LEFT}" y="${y - 8}" width="22" height="4" rx="2" fill="${color}"/>`,
      text(LEFT + 32, y - 1, label),
    ]
  })
  const height = BASE + AXIS + curves.length * LEGEND_ROW
  return card({ title, caption, described: `${title}: ${caption}`, height }, [
    ...grid,
    ...seconds,
    ...lines,
    ...legend,
  ])
}
