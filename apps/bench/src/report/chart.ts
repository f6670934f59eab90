import type { Spread } from '../statistics.js'
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

const WIDTH = 760
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

/** Each chart has its own background, so that it is readable on any page. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .head { font-weight: 600; }
  .faint { fill: #59636e; font-size: 12px; }
  .card { fill: #ffffff; stroke: #d1d9e0; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .faint { fill: #9198a1; }
    .card { fill: #0d1117; stroke: #3d444d; }
    .grid { stroke: #3d444d; }
    .spread { stroke: #f0f6fc; }
  }`

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
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(`${title}: ${caption}`)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(16, 28, title, 'title'),
    text(16, 48, `${caption}${scale.note}`, 'faint'),
    ...parts,
    ...scale.ticks.map(tick =>
      text(scale.x_of(tick), height - BOTTOM + 18, tick.toLocaleString('en'), 'faint', 'middle'),
    ),
    '</svg>',
    '',
  ].join('\n')
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
  const step = [1, 2, 5, 10]
    .map(times => times * 10 ** Math.floor(Math.log10(top / 4)))
    .find(s => top / s <= 6)
  const ticks = Array.from({ length: Math.floor(top / (step as number)) + 1 }, (_, index) =>
    Number((index * (step as number)).toPrecision(12)),
  )
  return { x_of: value => LEFT + (Math.max(0, value) / top) * PLOT, ticks, note: '' }
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

function text(x: number, y: number, content: string, style = '', anchor = 'start'): string {
  const classes = style === '' ? '' : ` class="${style}"`
  const anchors = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${rounded(x)}" y="${rounded(y)}"${classes}${anchors}>${escaped(content)}</text>`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
