import { element } from '../element.js'
import { bytes_text, ms_text } from '../words.js'
import { LivePlot, PLOT_POINTS, round_max } from './live_plot.js'

/** The interval between values of the plots, in milliseconds. */
export const SAMPLE_EVERY_MS = 100

const SPAN_S = (PLOT_POINTS * SAMPLE_EVERY_MS) / 1000
const DASH = [5, 4]

/** The three plots of the page. */
export interface Plots {
  /** p50 and p99, in milliseconds. */
  readonly rtt: LivePlot
  /** Sent and received, in messages per second. */
  readonly rate: LivePlot
  /** The queue and its limit, in bytes. */
  readonly queue: LivePlot
}

/** Creates the plots in their places on the page. */
export function make_plots(max_queue_bytes: number): Plots {
  return {
    rtt: new LivePlot({
      target: element('plot_rtt'),
      lines: [{ key: element('key_p50') }, { key: element('key_p99'), dash: DASH }],
      span_s: SPAN_S,
      least_max: 1,
      scale_max: round_max,
      text: ms => (ms === 0 ? '0' : ms_text(ms).replace('.0', '')),
    }),
    rate: new LivePlot({
      target: element('plot_rate'),
      lines: [{ key: element('key_sent') }, { key: element('key_received'), dash: DASH }],
      span_s: SPAN_S,
      least_max: 20,
      scale_max: round_max,
      text: rate => (rate >= 1000 ? `${rate / 1000} k` : String(rate)),
    }),
    queue: new LivePlot({
      target: element('plot_queue'),
      lines: [
        { key: element('key_queued'), is_filled: true },
        { key: element('key_limit'), dash: DASH },
      ],
      span_s: SPAN_S,
      least_max: max_queue_bytes,
      scale_max: most => most * 1.125,
      splits: [0, max_queue_bytes / 2, max_queue_bytes],
      text: bytes => (bytes === 0 ? '0' : bytes_text(bytes)),
    }),
  }
}
