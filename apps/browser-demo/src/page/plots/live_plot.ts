// biome-ignore lint/correctness/noUndeclaredDependencies: the build puts it into the page
import uPlot from 'uplot'
import { History } from './history.js'

/** The number of values in a plot. */
export const PLOT_POINTS = 300

/** One line of a plot. */
export interface PlotLine {
  /** Its entry in the legend, which sets the colour of the line. */
  readonly key: HTMLElement
  readonly dash?: number[]
  readonly is_filled?: boolean
}

/** The settings of a plot. */
export interface PlotOptions {
  readonly target: HTMLElement
  readonly lines: readonly PlotLine[]
  /** The time that it covers, in seconds. */
  readonly span_s: number
  /** The top of the scale is at least this. */
  readonly least_max: number
  /** The top of the scale for the largest value shown. */
  readonly scale_max: (value: number) => number
  /** The values of the grid lines; by default, at the bottom, middle and top. */
  readonly splits?: readonly number[]
  /** Formats a value for the scale. */
  readonly text: (value: number) => string
}

const AXIS_FONT = '12px system-ui, sans-serif'

/** A moving plot of the last seconds of a few lines, with the present at its right edge. */
export class LivePlot {
  readonly history: History
  readonly #options: PlotOptions
  readonly #plot: uPlot
  #line_colors: string[] = []
  #text_color = ''
  #grid_color = ''
  #now_s = 0

  constructor(options: PlotOptions) {
    this.#options = options
    this.history = new History(options.lines.length, PLOT_POINTS)
    this.read_colors()
    this.#plot = new uPlot(this.#plot_options(), this.history.columns, options.target)
    new ResizeObserver(() => this.#plot.setSize(size_of(options.target))).observe(options.target)
  }

  /** Draws the history. */
  draw(now_s: number): void {
    this.#now_s = now_s
    this.#plot.setData(this.history.columns)
  }

  /** Reads the colours from the style sheet, initially and whenever the colour scheme has changed. */
  read_colors(): void {
    const { lines, target } = this.#options
    this.#line_colors = lines.map(({ key }) => getComputedStyle(key).color)
    const style = getComputedStyle(target)
    this.#text_color = style.color
    this.#grid_color = style.borderTopColor
  }

  #plot_options(): uPlot.Options {
    const { target, lines, span_s, least_max, scale_max } = this.#options
    return {
      ...size_of(target),
      padding: [10, 4, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: () => [this.#now_s - span_s, this.#now_s] },
        y: { range: (_plot, _min, max) => [0, scale_max(Math.max(max ?? 0, least_max))] },
      },
      series: [{}, ...lines.map((line, i) => this.#series(line, i))],
      axes: [this.#x_axis(), this.#y_axis()],
    }
  }

  #series({ dash, is_filled = false }: PlotLine, i: number): uPlot.Series {
    return {
      stroke: () => this.#line_colors[i] ?? '',
      ...(is_filled ? { fill: () => faint(this.#line_colors[i] ?? '') } : {}),
      ...(dash ? { dash } : {}),
      width: 1.5,
      points: { show: false },
    }
  }

  #x_axis(): uPlot.Axis {
    const { span_s } = this.#options
    const back_s = [span_s, (span_s * 2) / 3, span_s / 3, 0]
    return {
      ...this.#axis(),
      size: 24,
      splits: () => back_s.map(back => this.#now_s - back),
      values: () => back_s.map((back, i) => (i === 0 ? '' : back === 0 ? '' : `−${back} s`)),
      grid: { show: false },
    }
  }

  #y_axis(): uPlot.Axis {
    return {
      ...this.#axis(),
      size: 52,
      splits: (_plot, _axis, _min, max) => [...(this.#options.splits ?? [0, max / 2, max])],
      values: (_plot, splits) => splits.map(this.#options.text),
      grid: { stroke: () => this.#grid_color, width: 1 },
    }
  }

  #axis(): uPlot.Axis {
    return { font: AXIS_FONT, stroke: () => this.#text_color, ticks: { show: false }, gap: 6 }
  }
}

/** Returns the smallest of 1, 2, 5, 10, 20, 50 … that is not below a value. */
export function round_max(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5].find(candidate => candidate * decade >= value) ?? 10
  return step * decade
}

function size_of({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } {
  return { width: clientWidth, height: clientHeight }
}

function faint(color: string): string {
  return color.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.16)')
}
