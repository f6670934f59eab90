import { percentile } from './percentile.js'

/** The smoothness of the page's animation. */
export interface FrameFigures {
  /** Frames per second. */
  readonly fps: number
  readonly p50_ms: number
  readonly p99_ms: number
}

/** Measures the time between frames, over the last few hundred of them. */
export class FrameMeter {
  readonly #times_ms: Float64Array
  #count = 0
  #last_ms: number | undefined

  /** Covers the last `size` frames. */
  constructor(size: number) {
    this.#times_ms = new Float64Array(size)
  }

  /** Records a frame; `at_ms` is the timestamp of `requestAnimationFrame`. */
  frame(at_ms: number): void {
    if (this.#last_ms !== undefined) {
      this.#times_ms[this.#count % this.#times_ms.length] = at_ms - this.#last_ms
      this.#count += 1
    }
    this.#last_ms = at_ms
  }

  /** Forgets all frames, after the page was hidden and had none. */
  clear(): void {
    this.#count = 0
    this.#last_ms = undefined
  }

  /** Returns the result; `undefined` before the second frame. */
  figures(): FrameFigures | undefined {
    const sorted = this.#times_ms.slice(0, this.#count).sort()
    const p50_ms = percentile(sorted, 0.5)
    const p99_ms = percentile(sorted, 0.99)
    if (p50_ms === undefined || p99_ms === undefined) return undefined
    const total_ms = sorted.reduce((sum, time_ms) => sum + time_ms, 0)
    return { fps: (1000 * sorted.length) / total_ms, p50_ms, p99_ms }
  }
}
