import type { Connection } from '../connection.js'
import { element, set_data, set_text } from '../element.js'
import { bytes_text, count_text, ms_text } from '../words.js'
import { FrameMeter } from './frame_meter.js'
import type { LivePlot } from './live_plot.js'
import type { Pinger } from './pinger.js'
import { make_plots, type Plots, SAMPLE_EVERY_MS } from './plots.js'
import { RateMeter } from './rate_meter.js'

const TEXT_EVERY_SAMPLES = 3
const RATE_WINDOW_MS = 1_000
const FRAMES = 300
const LANE_SPEEDS = [0, 40, 1_000]

/** All measurements and their plots. It is called with each frame, and samples ten times a second. */
export class Figures {
  readonly #connection: Connection
  readonly #pinger: Pinger
  readonly #max_queue_bytes: number
  readonly #frames = new FrameMeter(FRAMES)
  readonly #sent = new RateMeter(RATE_WINDOW_MS)
  readonly #received = new RateMeter(RATE_WINDOW_MS)
  readonly #gauge: HTMLElement = element('gauge')
  readonly #plots: Plots
  #last_ms = 0
  #samples = 0
  #to_draw: LivePlot[] = []
  #most_queued_bytes = 0
  #gauge_part = -1

  constructor(connection: Connection, pinger: Pinger, max_queue_bytes: number) {
    this.#connection = connection
    this.#pinger = pinger
    this.#max_queue_bytes = max_queue_bytes
    this.#plots = make_plots(max_queue_bytes)
    set_text(element('limit'), bytes_text(max_queue_bytes))
    const read_colors = (): void => {
      for (const plot of Object.values(this.#plots)) plot.read_colors()
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', read_colors)
    document.addEventListener('visibilitychange', () => this.#frames.clear())
  }

  /**
   * Handles a frame. It draws at most one plot, so that no frame takes long. Returns whether figures were
   * updated.
   */
  frame(at_ms: number): boolean {
    this.#frames.frame(at_ms)
    this.#measure_queue()
    const has_sampled = at_ms - this.#last_ms >= SAMPLE_EVERY_MS
    if (has_sampled) this.#sample(at_ms)
    else this.#to_draw.shift()?.draw(at_ms / 1000)
    return has_sampled
  }

  #measure_queue(): void {
    const { queued_bytes } = this.#connection
    this.#most_queued_bytes = Math.max(this.#most_queued_bytes, queued_bytes)
    const part = Math.round((200 * queued_bytes) / this.#max_queue_bytes) / 200
    if (part === this.#gauge_part) return
    this.#gauge_part = part
    this.#gauge.style.transform = `scaleX(${Math.min(1, part)})`
  }

  #sample(at_ms: number): void {
    const at_s = at_ms / 1000
    // A hidden page has no values for that time, so the lines have a gap there.
    if (at_ms - this.#last_ms > 10 * SAMPLE_EVERY_MS) this.#push(at_s - SAMPLE_EVERY_MS / 1000)
    this.#last_ms = at_ms
    const sent = this.#sent.read(this.#connection.sent, at_ms)
    const received = this.#received.read(this.#connection.received, at_ms)
    const { p50_ms, p99_ms } = this.#pinger.figures()
    this.#push(at_s, [p50_ms, p99_ms], [sent, received], [this.#most_queued_bytes, this.#max_queue_bytes])
    this.#most_queued_bytes = 0
    // At a low frame rate, plots of the last sample may still be pending: each gets its turn.
    if (this.#to_draw.length === 0) this.#to_draw = Object.values(this.#plots)
    this.#samples += 1
    if (this.#samples % TEXT_EVERY_SAMPLES === 0) this.#write({ p50_ms, p99_ms, sent, received })
  }

  #push(at_s: number, rtt: (number | undefined)[] = [], rate: number[] = [], queue: number[] = []): void {
    this.#plots.rtt.history.push(at_s, ...rtt)
    this.#plots.rate.history.push(at_s, ...rate)
    this.#plots.queue.history.push(at_s, ...queue)
  }

  #write({ p50_ms, p99_ms, sent, received }: Sample): void {
    const queued = bytes_text(this.#connection.queued_bytes)
    write({
      rtt_p50: ms_text(p50_ms),
      rtt_p99: ms_text(p99_ms),
      rate_sent: count_text(sent),
      rate_received: count_text(received),
      queued,
      path_queued: `${queued} of ${bytes_text(this.#max_queue_bytes)}`,
      path_rtt: p50_ms === undefined ? '' : `${ms_text(p50_ms)} there and back`,
    })
    set_data(element('lane_out'), 'speed', lane_speed(sent))
    set_data(element('lane_in'), 'speed', lane_speed(received))
    const frames = element('frames')
    set_data(frames, 'sent', sent.toFixed(0))
    set_data(frames, 'received', received.toFixed(0))
    const figures = this.#frames.figures()
    if (figures === undefined) return
    write({ fps: figures.fps.toFixed(0), frame_p99: ` · p99 ${figures.p99_ms.toFixed(0)} ms` })
    set_data(frames, 'fps', figures.fps.toFixed(1))
    set_data(frames, 'frame_p50', figures.p50_ms.toFixed(1))
    set_data(frames, 'frame_p99', figures.p99_ms.toFixed(1))
  }
}

interface Sample {
  readonly p50_ms: number | undefined
  readonly p99_ms: number | undefined
  readonly sent: number
  readonly received: number
}

function write(texts: Readonly<Record<string, string>>): void {
  for (const [id, text] of Object.entries(texts)) set_text(element(id), text)
}

/** Returns the speed of the wire's animation; 0 is still. */
function lane_speed(rate: number): string {
  return String(LANE_SPEEDS.filter(least => rate > least).length)
}
