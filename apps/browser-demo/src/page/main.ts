import type { CloseInfo, NetError, ReconnectInfo } from '@bt/net'
import type { SessionOpening } from '@bt/net/session'
import {
  is_load,
  message_text,
  type Person,
  parse_server_message,
  type ServerMessage,
} from '../shared/message.js'
import { Announcer } from './announcer.js'
import { Chat } from './chat.js'
import { Connection, type Link, MAX_QUEUE_BYTES } from './connection.js'
import { element, on_line, on_press, set_data, set_text } from './element.js'
import { Journal } from './journal.js'
import { LoadPanel } from './load_panel.js'
import { Nodes } from './nodes.js'
import { NumbersPanel } from './numbers_panel.js'
import { People } from './people.js'
import { Figures } from './plots/figures.js'
import { Pinger } from './plots/pinger.js'
import { Remote } from './remote.js'
import { SharedSpace } from './shared_space.js'
import { StatusView } from './status_view.js'
import { TroublePanel } from './trouble_panel.js'
import { bytes_text, opening_text, things_text } from './words.js'

const ANNOUNCE_EVERY_MS = 3_000

const connection = new Connection({ on_open, on_message, on_lost, on_close, on_error })
const journal = new Journal(element('log'))
const remote = new Remote(text => journal.error(text))
const pinger = new Pinger(connection)
const numbers = new NumbersPanel(connection)
const session_switch = element('session', HTMLInputElement)
/** Whether to connect again as soon as the connection has closed. */
let is_switching = false
const load = new LoadPanel(connection, remote)
const people = new People(element('people'), element('people_count'))
const nodes = new Nodes()
const chat = new Chat(element('chat'))
const trouble = new TroublePanel(remote)
const status = new StatusView({ connection, load, trouble })
const figures = new Figures(connection, pinger, MAX_QUEUE_BYTES)
const summary = element('summary')
const announcer = new Announcer(text => set_text(summary, text), ANNOUNCE_EVERY_MS)
const space = new SharedSpace(element('space'), place => {
  if (connection.state === 'open') connection.send(message_text({ type: 'cursor', place }))
})

const ws_url = await read_ws_url().catch((error: unknown) => {
  set_text(element('story'), 'The server of this page does not answer: start it, and load the page again.')
  throw error
})
set_text(element('address'), ws_url)
on_press(element('connect'), () => (is_ended() ? open() : connection.close()))
on_press(element('again'), () => connection.try_now())
session_switch.addEventListener('change', () => {
  if (is_ended()) return
  is_switching = true
  connection.close()
})
on_line(element('say_form', HTMLFormElement), element('say_text', HTMLInputElement), say)
on_line(element('chat_form', HTMLFormElement), element('chat_text', HTMLInputElement), talk)
set_link('ended')
open()
requestAnimationFrame(frame)

function open(): void {
  journal.note(`connecting to ${ws_url}`)
  set_link('waiting')
  is_switching = false
  numbers.clear()
  connection.connect(ws_url, session_switch.checked)
}

function is_ended(): boolean {
  return connection.state === 'none' || connection.state === 'closed'
}

function on_open(attempt: number | undefined, opening: SessionOpening | undefined): void {
  const { queued_bytes } = connection
  const waited = queued_bytes === 0 ? '' : `; ${bytes_text(queued_bytes)} that waited go out`
  const continued = opening === undefined ? '' : `, ${opening_text(opening)}`
  journal.note(
    attempt === undefined ? `open${continued}` : `open again at attempt ${attempt}${continued}${waited}`,
  )
  if (opening?.recovered) set_link('open')
  else forget_room()
  pinger.start()
  numbers.start()
}

function on_message(data: string): void {
  if (is_load(data)) return
  const message = parse_server_message(data)
  if (message === undefined) journal.error('a message came that this page does not know')
  else take(message)
}

function take(message: ServerMessage): void {
  switch (message.type) {
    case 'pong':
      pinger.pong(message.at_ms)
      trouble.show_queue(message.queued_bytes, message.held_back)
      break
    case 'welcome':
      remote.set_key(message.key)
      nodes.clear()
      people.welcome(message.you, message.people)
      set_you(message.you)
      set_link('open')
      break
    case 'joined':
      people.add(message.person)
      note(message.person, 'joined')
      break
    case 'left':
      with_person(people.remove(message.id), gone)
      break
    case 'roster':
      take_roster(message)
      break
    case 'cluster':
      nodes.stands(message)
      break
    case 'number':
      numbers.take(message.run, message.number)
      break
    case 'returned':
      numbers.take_own(message.number)
      break
    case 'echo':
      journal.in(message.text)
      break
    case 'chat':
      with_person(people.find(message.id) ?? message.from, person =>
        chat.add_message(named(person), message.text),
      )
      break
    case 'cursor':
      with_person(people.find(message.id), person => space.show(named(person), message.place))
      break
  }
}

function take_roster(roster: Extract<ServerMessage, { type: 'roster' }>): void {
  // Before the welcome, this page does not know its own id.
  if (people.you === undefined) return
  const is_new = nodes.heard(roster, performance.now())
  const { joined, left } = people.at_node(roster.node, roster.people)
  left.forEach(gone)
  // People who were there before have not just arrived.
  if (!is_new) for (const person of joined) note(person, 'joined')
}

function gone(person: Person): void {
  space.remove(person.id)
  note(person, 'left')
}

function note(person: Person, what: 'joined' | 'left'): void {
  chat.note(named(person), what)
}

function named(person: Person): Person {
  return { ...person, name: people.name_of(person) }
}

/** Ignores people who left before this page came, because it never learned their names. */
function with_person(person: Person | undefined, act: (person: Person) => void): void {
  if (person !== undefined) act(person)
}

function set_you(you: Person | undefined): void {
  space.set_you(you)
  set_text(element('you'), you === undefined ? 'not connected' : `you are ${you.name}`)
  set_data(element('you'), 'color', String(you?.color ?? ''))
}

function on_lost(lost: ReconnectInfo): void {
  journal.lost(lost)
  stop_measuring()
  // After an orderly Close, and without a session, the server greets this page as a new one.
  if (!connection.has_session || lost.info.clean) forget_room()
  set_link('waiting')
}

function on_close(info: CloseInfo): void {
  journal.closed(info)
  journal.note(numbers.summary)
  stop_measuring()
  forget_room()
  set_link('ended')
  if (is_switching) open()
}

function stop_measuring(): void {
  pinger.stop()
  numbers.stop()
}

/** Empties what only a connection, or a session that goes on, keeps up to date. */
function forget_room(): void {
  people.clear()
  nodes.clear()
  set_you(undefined)
  remote.set_key(undefined)
}

function on_error(error: NetError): void {
  // A full queue is counted and shown elsewhere, because it occurs constantly under load.
  if (error.code !== 'queue_full') journal.error(`${error.code}: ${error.message}`)
}

function set_link(link: Link): void {
  load.set_link(link)
  trouble.set_link(link)
}

function say(text: string): boolean {
  return post(message_text({ type: 'say', text }), () => journal.out(text))
}

function talk(text: string): boolean {
  const { you } = people
  return post(message_text({ type: 'chat', text }), () => you && chat.add_message(you, text))
}

/** Sends typed text; if that fails, it stays in the field and the log says why. */
function post(text: string, show: () => void): boolean {
  const sent = connection.send(text)
  if (sent === true) show()
  else journal.error(`not sent, ${sent.code}: ${sent.message}`)
  return sent === true
}

function frame(at_ms: number): void {
  requestAnimationFrame(frame)
  space.tick(at_ms)
  for (const node of nodes.tick(at_ms)) people.at_node(node, []).left.forEach(gone)
  if (!figures.frame(at_ms)) return
  status.write()
  numbers.write()
  const { sent, received, refused } = connection
  journal.tick({ sent, received, refused }, load.running !== 'none', at_ms)
  journal.flush()
  chat.flush()
  announce(at_ms)
}

function announce(at_ms: number): void {
  const { state, is_full, info, reconnects } = connection
  const ended = info === undefined ? '' : `: code ${info.code}, cause ${info.cause}`
  const again =
    state !== 'open' || reconnects === 0 ? '' : `, after ${things_text(reconnects, 'reconnection')}`
  announcer.set_sentence('state', `Connection ${state}${again}${ended}.`)
  announcer.set_sentence('numbers', numbers.sentence)
  announcer.set_sentence('nodes', nodes.sentence)
  announcer.set_sentence('queue', is_full ? 'The send queue is full.' : '')
  announcer.tick(at_ms)
}

async function read_ws_url(): Promise<string> {
  const response = await fetch('/server.json')
  const { ws_url: url } = (await response.json()) as { ws_url: string }
  return url
}
