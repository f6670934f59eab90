import type { Spread } from '../statistics.js'
import { card, linear_ticks, rounded, text, WIDTH } from './svg.js'
import { shown } from './table.js'

/** A chart of horizontal bars, one for each subject, in groups. */
export interface Chart {
  readonly title: string
  /** The measured quantity with its unit. */
  readonly caption: string
  readonly groups: readonly BarGroup[]
}

/** The bars of one case. */
export interface BarGroup {
  readonly label: string
  readonly bars: readonly Bar[]
}

/** A bar for the median, with a line from the lowest to the highest value. */
export interface Bar {
  readonly label: string
  readonly color: string
  readonly spread: Spread
}

const LEFT = 150
const RIGHT = 90
const TOP = 64
const BOTTOM = 34
const ROW = 20
const BAR = 13
const GROUP_HEAD = 26
const PLOT = WIDTH - LEFT - RIGHT

/** The scale is logarithmic if the largest value is more than this many times the smallest. */
const MAX_LINEAR_RATIO = 12

/** Maps figures to x coordinates. */
interface Scale {
  readonly x_of: (value: number) => number
  readonly ticks: readonly number[]
  readonly note: string
}

/** Draws a chart as SVG. */
export function svg_of({ title, caption, groups }: Chart): string {
  const scale = scale_for(groups.flatMap(({ bars }) => bars.map(({ spread }) => spread)))
  const rows = groups.reduce((sum, { bars }) => sum + GROUP_HEAD + bars.length * ROW, 0)
  const height = TOP + rows + BOTTOM
  const parts: string[] = []
  let y = TOP
  for (const { label, bars } of groups) {
    parts.push(text(16, y + 17, label, 'head'))
    y += GROUP_HEAD
    parts.push(...grid_lines(scale, y, y + bars.length * ROW))
    for (const bar of bars) {
      parts.push(...bar_parts(bar, y, scale))
      y += ROW
    }
  }
  return card({ title, caption: `${caption}${scale.note}`, described: `${title}: ${caption}`, height }, [
    ...parts,
    ...scale.ticks.map(tick =>
      text(scale.x_of(tick), height - BOTTOM + 18, tick.toLocaleString('en'), 'faint', 'middle'),
    ),
  ])
}

function bar_parts({ label, color, spread }: Bar, y: number, { x_of }: Scale): string[] {
  const middle = y + ROW / 2
  const end = x_of(spread.median)
  const [low, high] = [x_of(spread.least), x_of(spread.most)].map(rounded)
  return [
    text(LEFT - 10, middle + 4, label, '', 'end'),
    `<rect x="${LEFT}" y="${middle - BAR / 2}" width="${rounded(Math.max(1, end - LEFT))}" height="${BAR}" rx="2" fill="${color}"/>`,
    `<line class="spread" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>`,
    text(Math.max(end, x_of(spread.most)) + 7, middle + 4, shown(spread.median)),
  ]
}

/** Returns grid lines only behind the bars, so that none crosses a heading. */
function grid_lines({ ticks, x_of }: Scale, from: number, to: number): string[] {
  return ticks.map(tick => {
    const x = rounded(x_of(tick))
    return `<line class="grid" x1="${x}" x2="${x}" y1="${from}" y2="${to}"/>`
  })
}

function scale_for(spreads: readonly Spread[]): Scale {
  const most = Math.max(...spreads.map(spread => spread.most))
  const least = Math.min(...spreads.map(spread => spread.least))
  return least > 0 && most / least > MAX_LINEAR_RATIO ? log_scale(least, most) : linear_scale(most)
}

function linear_scale(most: number): Scale {
  const top = most > 0 ? most : 1
  return { x_of: value => LEFT + (Math.max(0, value) / top) * PLOT, ticks: linear_ticks(top), note: '' }
}

/** Returns a logarithmic scale that begins at a power of ten, so that the shortest bar is visible. */
function log_scale(least: number, most: number): Scale {
  const from = Math.floor(Math.log10(least * 0.9))
  const span = Math.log10(most) - from
  const steps = span < 2 ? [1, 2, 5] : [1]
  const ticks = Array.from({ length: Math.ceil(span) }, (_, index) =>
    steps.map(step => Number((step * 10 ** (from + index)).toPrecision(1))),
  ).flat()
  return {
    x_of: value => LEFT + ((Math.log10(value) - from) / span) * PLOT,
    ticks: ticks.filter(tick => tick <= most),
    note: '; the scale is logarithmic',
  }
}
