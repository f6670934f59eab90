import type { Link } from './connection.js'
import { element, on_press, set_text, set_usable } from './element.js'
import type { Remote } from './remote.js'
import { bytes_text, things_text } from './words.js'

// Answers that are queued for less than a turn are not shown, because nobody could read that.
const MIN_SHOWN_BYTES = 16_384

/** The controls that cause trouble at the server, and the figures that the server reports about it. */
export class TroublePanel {
  readonly #remote: Remote
  readonly #slow: HTMLInputElement = element('slow', HTMLInputElement)

  constructor(remote: Remote) {
    this.#remote = remote
    on_press(element('cut'), () => remote.ask({ action: 'cut' }))
    on_press(element('server_close'), () => remote.ask({ action: 'close' }))
    this.#slow.addEventListener('change', () => this.#ask_slow())
  }

  /** Whether the server should read slowly. */
  get is_slow(): boolean {
    return this.#slow.checked
  }

  /** Sets the state of the connection. A new connection is asked again to read slowly. */
  set_link(link: Link): void {
    for (const id of ['cut', 'server_close']) set_usable(element(id), link === 'open')
    this.#slow.disabled = link === 'ended'
    if (link === 'ended') this.#slow.checked = false
    if (link === 'open' && this.is_slow) this.#ask_slow()
    if (link === 'open') this.show_queue(0, 0)
    else set_text(element('server_note'), 'not connected')
  }

  /** Shows how much the server has queued for this page, and how many messages it skipped. */
  show_queue(queued_bytes: number, held_back: number): void {
    const reads = this.is_slow ? 'reads slowly' : 'reads at once'
    const waits = queued_bytes < MIN_SHOWN_BYTES ? '' : ` · ${bytes_text(queued_bytes)} wait for you`
    const held = held_back === 0 ? '' : ` · ${things_text(held_back, 'message')} held back`
    set_text(element('server_note'), `${reads}${waits}${held}`)
  }

  #ask_slow(): void {
    this.#remote.ask({ action: 'slow', is_on: this.is_slow })
  }
}
