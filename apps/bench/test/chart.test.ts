import { describe, expect, it } from 'vitest'
import { type BarGroup, svg_of } from '../src/report/chart.ts'

function group(label: string, ...medians: number[]): BarGroup {
  return {
    label,
    bars: medians.map((median, index) => ({
      label: `subject ${index}`,
      color: '#123456',
      spread: { median, least: median * 0.9, most: median * 1.1 },
    })),
  }
}

/** Returns the tags that are not closed. Fails if a tag is closed that is not open. */
function open_tags(xml: string): string[] {
  const open: string[] = []
  for (const [, closing, name, self_closing] of xml.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g))
    if (closing === '/') expect(open.pop()).toBe(name)
    else if (self_closing === '') open.push(name as string)
  return open
}

function attributes(svg: string, element: string, name: string): number[] {
  const pattern = new RegExp(`<${element} [^>]*?\\b${name}="([-\\d.]+)"`, 'g')
  return [...svg.matchAll(pattern)].map(match => Number(match[1]))
}

/** Returns the lengths of the bars, in order. */
function bar_lengths(svg: string): number[] {
  return [...svg.matchAll(/<rect [^>]*width="([\d.]+)"[^>]*fill="#123456"/g)].map(match => Number(match[1]))
}

describe('svg_of', () => {
  it('escapes its texts, and has a role and a title', () => {
    const svg = svg_of({ title: 'A < B & "C"', caption: 'µs', groups: [group('<x>', 1, 2)] })
    expect(open_tags(svg)).toEqual([])
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[^>]* role="img"/)
    expect(svg).toContain('<title id="title">A &lt; B &amp; &quot;C&quot;: µs</title>')
    expect(svg).toContain('&lt;x&gt;')
    expect(svg).not.toContain('NaN')
  })

  it('draws bars in proportion to figures of a similar size', () => {
    const svg = svg_of({ title: 't', caption: 'c', groups: [group('g', 10, 20)] })
    const [short, long] = bar_lengths(svg) as [number, number]
    expect(long / short).toBeCloseTo(2, 1)
    expect(svg).not.toContain('logarithmic')
  })

  it('uses a logarithmic scale for figures of very different sizes, and names it', () => {
    const svg = svg_of({ title: 't', caption: 'c', groups: [group('g', 0.1, 1, 10)] })
    const [short, middle, long] = bar_lengths(svg) as [number, number, number]
    expect(svg).toContain('logarithmic')
    expect(short).toBeGreaterThan(5)
    expect(middle - short).toBeCloseTo(long - middle, 0)
  })

  it('draws negative figures as empty bars', () => {
    const spread = { median: -5, least: -10, most: 0 }
    const bars = [{ label: 'a', color: '#123456', spread }]
    const svg = svg_of({ title: 't', caption: 'c', groups: [{ label: 'g', bars }] })
    expect(bar_lengths(svg)).toEqual([1])
    expect(svg).not.toContain('NaN')
  })

  it('keeps everything within the card, and lines of text apart', () => {
    const groups = Array.from({ length: 5 }, (_, index) => group(`group ${index}`, 0.035, 1.5, 99_999))
    const svg = svg_of({ title: 't', caption: 'c', groups })
    const [width, height] = [attributes(svg, 'svg', 'width')[0], attributes(svg, 'svg', 'height')[0]]
    const lines = [...new Set(attributes(svg, 'text', 'y'))].sort((a, b) => a - b)
    for (const [index, y] of lines.slice(1).entries())
      expect(y - (lines[index] as number)).toBeGreaterThan(13)
    expect(lines.at(-1)).toBeLessThan(height as number)
    // A figure of as many digits as there are takes less than that.
    for (const x of attributes(svg, 'text', 'x')) expect(x).toBeLessThan((width as number) - 70)
  })
})
