/** A person in the room: one connection, as everybody sees it. */
export interface Person {
  /** A unique number. */
  readonly id: number
  /** A name that is unique at its node. */
  readonly name: string
  /** The node of the connection, if there are several. */
  readonly node?: string
  /** The index of one of {@link COLOR_COUNT} colours. */
  readonly color: number
}

/** A place in the shared area, as fractions of its width and height. */
export interface Place {
  readonly x: number
  readonly y: number
}

/** A message from the page to the server. */
export type PageMessage =
  | { readonly type: 'ping'; readonly at_ms: number }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'chat'; readonly text: string }
  | { readonly type: 'cursor'; readonly place: Place | null }
  /** One of the numbers from 1 on, which the server returns. */
  | { readonly type: 'number'; readonly number: number }

/** A message from the server to a page. */
export type ServerMessage =
  | {
      readonly type: 'welcome'
      readonly you: Person
      readonly people: readonly Person[]
      readonly key: string
    }
  | { readonly type: 'joined'; readonly person: Person }
  | { readonly type: 'left'; readonly id: number }
  | {
      readonly type: 'pong'
      readonly at_ms: number
      readonly queued_bytes: number
      readonly held_back: number
    }
  | { readonly type: 'echo'; readonly text: string }
  /** The next number of the server, the same for all pages. `run` differs after a restart of the server. */
  | { readonly type: 'number'; readonly run: number; readonly number: number }
  /** A number of the page. */
  | { readonly type: 'returned'; readonly number: number }
  /** `from`: the sender, whom a page of another node may not know yet. */
  | { readonly type: 'chat'; readonly id: number; readonly text: string; readonly from?: Person }
  | { readonly type: 'cursor'; readonly id: number; readonly place: Place | null }
  /** The announcement of a node's people to the pages of all nodes, each second and on every change. */
  | {
      readonly type: 'roster'
      readonly node: string
      /** The URL of that node's page. */
      readonly page: string
      readonly people: readonly Person[]
    }
  /** The state of the cluster, from the page's own node. */
  | { readonly type: 'cluster'; readonly node: string; readonly broker: string; readonly is_joined: boolean }

/** The number of colours for people. */
export const COLOR_COUNT = 8

/** The maximum length of a chat line, in UTF-16 code units. */
const MAX_CHAT_LENGTH = 500

const LOAD_MARK = '.'
const LOAD_MARK_CODE = LOAD_MARK.charCodeAt(0)

/** Returns a load message. It is plain text, so that creating and parsing it costs next to nothing. */
export function load_text(size_bytes: number): string {
  return LOAD_MARK.repeat(size_bytes)
}

/** Whether a message is load. */
export function is_load(text: string): boolean {
  return text.charCodeAt(0) === LOAD_MARK_CODE
}

/** Serializes a message. */
export function message_text(message: PageMessage | ServerMessage): string {
  return JSON.stringify(message)
}

/** Parses a message of a page; returns `undefined` if it is invalid. */
export function parse_page_message(text: string): PageMessage | undefined {
  const { type, ...rest } = parse_fields(text)
  if (type === 'ping' && is_number(rest.at_ms)) return { type, at_ms: rest.at_ms }
  if (type === 'say' && is_text(rest.text)) return { type, text: rest.text }
  if (type === 'chat' && is_chat(rest.text)) return { type, text: rest.text }
  if (type === 'cursor' && is_place_or_null(rest.place)) return { type, place: rest.place }
  if (type === 'number' && is_number(rest.number)) return { type, number: rest.number }
  return undefined
}

/** Parses a message of the server; returns `undefined` if it is invalid. */
export function parse_server_message(text: string): ServerMessage | undefined {
  const { type, ...rest } = parse_fields(text)
  const { at_ms, broker, from, held_back, id, is_joined, key, node, page } = rest
  const { number, people, person, place, queued_bytes, run, you } = rest
  if (type === 'welcome' && is_person(you) && is_people(people) && is_text(key))
    return { type, you, people, key }
  if (type === 'joined' && is_person(person)) return { type, person }
  if (type === 'left' && is_number(id)) return { type, id }
  if (type === 'pong' && is_number(at_ms) && is_number(queued_bytes) && is_number(held_back))
    return { type, at_ms, queued_bytes, held_back }
  if (type === 'echo' && is_text(rest.text)) return { type, text: rest.text }
  if (type === 'number' && is_number(run) && is_number(number)) return { type, run, number }
  if (type === 'returned' && is_number(number)) return { type, number }
  if (type === 'chat' && is_number(id) && is_chat(rest.text))
    return { type, id, text: rest.text, ...(is_person(from) ? { from } : {}) }
  if (type === 'cursor' && is_number(id) && is_place_or_null(place)) return { type, id, place }
  if (type === 'roster' && is_text(node) && is_page_url(page) && is_people(people))
    return { type, node, page, people }
  if (type === 'cluster' && is_text(node) && is_text(broker) && typeof is_joined === 'boolean')
    return { type, node, broker, is_joined }
  return undefined
}

/** Returns the fields of a JSON object, or none if the text is anything else. */
export function parse_fields(text: string): Readonly<Record<string, unknown>> {
  try {
    return fields_of(JSON.parse(text))
  } catch {
    // Text that is not JSON has no fields.
    return {}
  }
}

function fields_of(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function is_text(value: unknown): value is string {
  return typeof value === 'string'
}

function is_chat(value: unknown): value is string {
  return is_text(value) && value.length > 0 && value.length <= MAX_CHAT_LENGTH
}

/** Whether a text is safe to use as a link: an http URL and nothing else. */
function is_page_url(value: unknown): value is string {
  return is_text(value) && /^http:\/\/[\w.:[\]]+\/$/.test(value)
}

function is_number(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function is_person(value: unknown): value is Person {
  const { id, name, color, node } = fields_of(value)
  const is_somewhere = node === undefined || is_text(node)
  const is_coloured = Number.isInteger(color) && is_between(color, 0, COLOR_COUNT - 1)
  return is_number(id) && is_text(name) && is_coloured && is_somewhere
}

function is_people(value: unknown): value is readonly Person[] {
  return Array.isArray(value) && value.every(is_person)
}

function is_place_or_null(value: unknown): value is Place | null {
  const { x, y } = fields_of(value)
  return value === null || (is_between(x, 0, 1) && is_between(y, 0, 1))
}

function is_between(value: unknown, min: number, max: number): boolean {
  return is_number(value) && value >= min && value <= max
}
