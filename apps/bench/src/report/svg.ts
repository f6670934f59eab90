/** The width of every chart. */
export const WIDTH = 760

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

/** What frames a chart. */
interface Card {
  readonly title: string
  readonly caption: string
  /** The text for those who do not see the chart. */
  readonly described: string
  readonly height: number
}

/** Draws the frame of a chart around its parts. */
export function card({ title, caption, described, height }: Card, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(described)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(16, 28, title, 'title'),
    text(16, 48, caption, 'faint'),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

/** Returns up to seven round figures from 0 to `top`. */
export function linear_ticks(top: number): number[] {
  const step = [1, 2, 5, 10]
    .map(times => times * 10 ** Math.floor(Math.log10(top / 4)))
    .find(s => top / s <= 6) as number
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(12)),
  )
}

/** Draws a line of text. */
export function text(x: number, y: number, content: string, style = '', anchor = 'start'): string {
  const classes = style === '' ? '' : ` class="${style}"`
  const anchors = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${rounded(x)}" y="${rounded(y)}"${classes}${anchors}>${escaped(content)}</text>`
}

/** Rounds a coordinate. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
