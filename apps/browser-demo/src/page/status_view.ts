import type { CloseInfo } from '@bt/net'
import type { Connection } from './connection.js'
import { element, set_data, set_text, set_usable } from './element.js'
import type { LoadPanel } from './load_panel.js'
import type { TroublePanel } from './trouble_panel.js'
import { attempt_text, count_text, type Situation, story, things_text } from './words.js'

const BUTTON_TEXTS: Readonly<Record<Situation['state'], string>> = {
  none: 'Connect',
  connecting: 'Stop connecting',
  open: 'Disconnect',
  reconnecting: 'Stop trying',
  closing: 'Closing…',
  closed: 'Connect',
}

/** The inputs of the status. */
export interface StatusOptions {
  readonly connection: Connection
  readonly load: LoadPanel
  readonly trouble: TroublePanel
}

/** Shows the state of the connection, and how it ended. */
export class StatusView {
  readonly #options: StatusOptions
  readonly #path: HTMLElement = element('path')

  constructor(options: StatusOptions) {
    this.#options = options
  }

  /** The input of {@link story}. */
  get situation(): Situation {
    const { connection, load, trouble } = this.#options
    const { state, info, next, has_session, is_full, queued_bytes } = connection
    const { is_slow } = trouble
    return { state, info, next, has_session, is_full, queued_bytes, is_slow, load: load.running }
  }

  /** Renders what has changed. */
  write(): void {
    const { connection, load } = this.#options
    const { situation } = this
    const { state, next } = situation
    set_text(element('state'), state === 'none' ? 'closed' : state)
    set_data(this.#path, 'state', state)
    set_data(this.#path, 'full', String(connection.is_full))
    set_data(this.#path, 'slow', String(situation.is_slow))
    set_data(this.#path, 'cause', connection.info?.cause ?? '')
    set_data(element('state'), 'state', state)
    set_text(element('connect'), BUTTON_TEXTS[state])
    set_usable(element('connect'), state !== 'closing')
    element('connect').classList.toggle('primary', state === 'none' || state === 'closed')
    show_again(state === 'reconnecting')
    set_text(element('story'), story(situation))
    set_text(element('path_wait'), next === undefined ? '' : attempt_text(next))
    set_text(element('refused_note'), refused_text(connection.refused, load.held_back))
    set_text(
      element('last_error'),
      connection.error ? `${connection.error.code}: ${connection.error.message}` : 'none',
    )
    write_ending(connection.info)
  }
}

/** Moves the keyboard focus to the neighbouring button when a focused button disappears. */
function show_again(is_shown: boolean): void {
  const again = element('again')
  if (!is_shown && document.activeElement === again) element('connect').focus()
  again.hidden = !is_shown
}

function write_ending(info: CloseInfo | undefined): void {
  set_data(element('ending'), 'ended', String(info !== undefined))
  set_text(element('end_code'), info ? String(info.code) : '–')
  set_text(element('end_cause'), info?.cause ?? '–')
  set_text(element('end_clean'), info ? (info.clean ? 'yes' : 'no') : '–')
  set_text(element('end_unsent'), info ? things_text(info.unsent, 'message') : '–')
  set_text(element('end_reason'), info ? info.reason || 'none given' : '–')
}

function refused_text(refused: number, held_back: number): string {
  if (refused === 0) return 'no send was refused'
  return `${count_text(refused)} refused · ${count_text(held_back)} held back`
}
