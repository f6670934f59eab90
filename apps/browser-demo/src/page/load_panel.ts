import { Load } from '../shared/load.js'
import { load_text } from '../shared/message.js'
import type { Connection, Link } from './connection.js'
import { element, on_press, set_text, set_usable } from './element.js'
import { position_of, RATE_STOPS, rate_at } from './rate_stops.js'
import type { Remote } from './remote.js'
import { count_text } from './words.js'

const FIRST_RATE = 1_000

type LoadKind = 'echo' | 'feed'

/** The controls of the load, and the load itself, sent by this page or requested from the server. */
export class LoadPanel {
  readonly #connection: Connection
  readonly #remote: Remote
  readonly #rate: HTMLInputElement = element('rate', HTMLInputElement)
  readonly #rate_text: HTMLElement = element('rate_text')
  readonly #run: HTMLElement = element('run')
  #running: LoadKind | 'none' = 'none'
  #load: Load | undefined
  #held_back_before = 0
  #link: Link = 'ended'

  constructor(connection: Connection, remote: Remote) {
    this.#connection = connection
    this.#remote = remote
    this.#rate.max = String(RATE_STOPS.length - 1)
    this.#rate.value = String(position_of(FIRST_RATE))
    this.#rate.addEventListener('input', () => this.#changed())
    for (const choice of radios('kind', 'size')) choice.addEventListener('change', () => this.#changed())
    on_press(this.#run, () => (this.#running === 'none' ? this.#start() : this.stop()))
    this.#show()
  }

  /** The load that is running. */
  get running(): LoadKind | 'none' {
    return this.#running
  }

  /** The number of messages of this page's loads that were skipped because the queue was full. */
  get held_back(): number {
    return this.#held_back_before + (this.#load?.held_back ?? 0)
  }

  /**
   * Sets the state of the connection. While it reconnects, messages are queued; once it has given up, no load
   * runs.
   */
  set_link(link: Link): void {
    set_usable(this.#run, link !== 'ended')
    if (link === 'ended') this.stop()
    else if (this.#link === 'ended') this.#held_back_before = 0
    this.#link = link
    // A new connection does not know what was requested on the last one.
    if (link === 'open' && this.#running === 'feed') this.#start()
  }

  stop(): void {
    this.#load?.stop()
    this.#held_back_before = this.held_back
    this.#load = undefined
    if (this.#running === 'feed') this.#remote.ask({ action: 'feed', rate: 0, size_bytes: 1 })
    this.#running = 'none'
    this.#show()
  }

  #start(): void {
    const rate = rate_at(Number(this.#rate.value))
    const size_bytes = Number(chosen('size'))
    this.#running = chosen('kind') === 'feed' ? 'feed' : 'echo'
    if (this.#running === 'feed') this.#remote.ask({ action: 'feed', rate, size_bytes })
    else if (this.#load) this.#load.change(rate, load_text(size_bytes))
    else this.#load = new Load(this.#connection, rate, load_text(size_bytes))
    this.#show()
  }

  #changed(): void {
    if (this.#running !== 'none') {
      if (this.#running !== chosen('kind')) this.stop()
      this.#start()
    }
    this.#show()
  }

  #show(): void {
    const rate = count_text(rate_at(Number(this.#rate.value)))
    set_text(this.#rate_text, `${rate} / s`)
    this.#rate.setAttribute('aria-valuetext', `${rate} messages a second`)
    const is_running = this.#running !== 'none'
    set_text(this.#run, is_running ? 'Stop load' : 'Start load')
    this.#run.classList.toggle('primary', !is_running)
    this.#run.classList.toggle('running', is_running)
  }
}

function radios(...names: string[]): HTMLInputElement[] {
  return names.flatMap(name => [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)])
}

function chosen(name: string): string {
  return radios(name).find(({ checked }) => checked)?.value ?? ''
}
