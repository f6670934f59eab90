// Chat rooms with members and recent messages, which no client can flood. BIND is the address to listen on.
//
//   const key = crypto.randomUUID()
//   const url = 'ws://127.0.0.1:8081/chat?room=lobby&name=ada'
//   connect({ type: 'ws', url, protocols: ['chat', `key.${key}`], reconnect: true })
//
// A client sends {"text":"hello"}, and receives each `ServerMessage` as JSON. After a reconnect, some
// messages of `recent` are known already: skip those by their `id`. Show texts with `textContent`, never with
// `innerHTML`.
//
// There is no sign-in here: while a person is in a room, their name is reserved for their key, which the
// client generates. Keep the key for as long as the person may reconnect, for example in sessionStorage.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { listen, refuse, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const MAX_TEXT = 1_000
const MAX_RECENT = 50
/** Each newcomer is sent the names of all members, and all members the name of each newcomer. */
const MAX_PEOPLE = 100
/** The minimum time between two messages of one person; further messages wait. */
const PACE_MS = Number(process.env.PACE_MS ?? 200)
/** The valid names of rooms and people. */
const NAME = /^[\p{L}\p{N}_.-]{1,32}$/u

interface Said {
  readonly type: 'said'
  readonly id: string
  readonly from: string
  readonly text: string
  readonly at_ms: number
}

type ServerMessage =
  | { readonly type: 'welcome'; readonly people: readonly string[]; readonly recent: readonly Said[] }
  | { readonly type: 'came' | 'left'; readonly name: string }
  | { readonly type: 'refused'; readonly why: string }
  | Said

type Person = WsSocket<{ readonly name: string; readonly room_name: string; readonly key: Buffer }>

interface Room {
  readonly people: Map<string, Person>
  readonly recent: Said[]
}

/** A room exists while it has members, so that there are never more rooms than sockets. */
const rooms = new Map<string, Room>()

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/chat',
  max_payload: 16 * 1_024,
  protocols: ['chat'],
  authorize: ({ query, protocols }) => {
    const name = query.get('name') ?? ''
    const room_name = query.get('room') ?? 'lobby'
    if (!NAME.test(name) || !NAME.test(room_name))
      return refuse(400, 'name and room take 1 to 32 letters, digits, or any of _.-')
    // The key is a subprotocol, because URLs end up in logs.
    const key = protocols.find(protocol => protocol.startsWith('key.')) ?? ''
    return { name, room_name, key: createHash('sha256').update(key).digest() }
  },
  on_connect: person => {
    const { name, room_name, key } = person.data
    const room = rooms.get(room_name) ?? { people: new Map(), recent: [] }
    const before = room.people.get(name)
    if (before !== undefined && !timingSafeEqual(before.data.key, key))
      return void person.close(4409, `there is a ${name} already`)
    if (before === undefined && room.people.size >= MAX_PEOPLE)
      return void person.close(4429, 'the room is full')
    rooms.set(room_name, room)
    room.people.set(name, person)
    person.join(room_name)
    send(person, { type: 'welcome', people: [...room.people.keys()], recent: room.recent })
    // After a network change, the old connection looks alive until the heartbeat fails, so the new one
    // replaces it. If the old one is another tab, 4403 keeps it from reconnecting, and from closing this one
    // in turn.
    if (before !== undefined) before.close(4403, `${name} has connected from elsewhere`)
    else send_to_others(person, { type: 'came', name })
  },
  on_message: async (person, data) => {
    const { name, room_name } = person.data
    const text = read_text(data)
    if (text === undefined) {
      send(person, { type: 'refused', why: `send {"text":"…"} with 1 to ${MAX_TEXT} characters` })
    } else {
      const said: Said = { type: 'said', id: randomUUID(), from: name, text, at_ms: Date.now() }
      const recent = rooms.get(room_name)?.recent
      recent?.push(said)
      if (recent !== undefined && recent.length > MAX_RECENT) recent.shift()
      server.publish(room_name, JSON.stringify(said))
    }
    // The next message of this person waits for this promise, which slows down a flood at its source.
    await wait(PACE_MS)
  },
  on_close: person => {
    const { name, room_name } = person.data
    const room = rooms.get(room_name)
    // This connection was refused, or replaced by a newer one of the same person.
    if (room?.people.get(name) !== person) return
    room.people.delete(name)
    if (room.people.size === 0) rooms.delete(room_name)
    else send_to_others(person, { type: 'left', name })
  },
  on_error: err => {
    // A client with a full queue would miss messages. After a reconnect, it finds them in `recent`.
    if (err.code === 'queue_full') err.socket?.close(4008, 'too slow')
    console.error(err.addr ?? '', err.message)
  },
})

function send(person: Person, message: ServerMessage): void {
  person.send(JSON.stringify(message))
}

function send_to_others(person: Person, message: ServerMessage): void {
  server.publish(person.data.room_name, JSON.stringify(message), { except: person })
}

/** Returns the text of a message; `undefined` if the message is invalid. */
function read_text(data: string): string | undefined {
  try {
    const message: unknown = JSON.parse(data)
    if (typeof message !== 'object' || message === null || !('text' in message)) return undefined
    const { text } = message
    if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_TEXT) return undefined
    return text
  } catch {
    return undefined // invalid JSON
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
await server.opened
console.log(`listening on ws://${server.addr}/chat`)
