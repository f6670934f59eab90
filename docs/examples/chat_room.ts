// Chat rooms with members and recent messages, in which no one can flood the others. BIND is the address to listen on.
//
//   const key = crypto.randomUUID()
//   connect({ type: 'ws', url: 'ws://127.0.0.1:8081/chat?room=lobby&name=ada', protocols: ['chat', `key.${key}`], reconnect: true })
//
// A client sends {"text":"hello"}, and receives the messages of type `Told` as JSON. After a reconnect, some of `recent` is known already:
// skip those by their `id`. Whatever others say belongs in `textContent`, never in `innerHTML`.
//
// There is no sign-in here: as long as somebody is in a room, their name belongs to their key, which they make up. Keep it for as long as
// the person may come back, for example in sessionStorage.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { listen, refuse, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const MAX_TEXT = 1_000
const MAX_RECENT = 50
/** Each newcomer is sent the names of all members, and all members the name of each newcomer. */
const MAX_PEOPLE = 100
/** The least time between two messages of one person; the next ones wait. */
const PACE_MS = Number(process.env.PACE_MS ?? 200)
/** The names that rooms and people may have. */
const NAME = /^[\p{L}\p{N}_.-]{1,32}$/u

interface Said {
  readonly type: 'said'
  readonly id: string
  readonly from: string
  readonly text: string
  readonly at_ms: number
}

type Told =
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
    // In a subprotocol, since URLs end up in logs.
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
    tell(person, { type: 'welcome', people: [...room.people.keys()], recent: room.recent })
    // After a change of network, the old connection looks alive until the heartbeat fails: the new one takes its place. If it is another
    // tab, 4403 keeps that from reconnecting, and so from closing this one in turn.
    if (before !== undefined) before.close(4403, `${name} has connected from elsewhere`)
    else tell_others(person, { type: 'came', name })
  },
  on_message: async (person, data) => {
    const { name, room_name } = person.data
    const text = read_text(data)
    if (text === undefined) {
      tell(person, { type: 'refused', why: `send {"text":"…"} with 1 to ${MAX_TEXT} characters` })
    } else {
      const said: Said = { type: 'said', id: randomUUID(), from: name, text, at_ms: Date.now() }
      const recent = rooms.get(room_name)?.recent
      recent?.push(said)
      if (recent !== undefined && recent.length > MAX_RECENT) recent.shift()
      server.publish(room_name, JSON.stringify(said))
    }
    // This person's next message waits until then, which slows down a flood at its source.
    await wait(PACE_MS)
  },
  on_close: person => {
    const { name, room_name } = person.data
    const room = rooms.get(room_name)
    // It was turned away, or replaced by a newer connection of the same person.
    if (room?.people.get(name) !== person) return
    room.people.delete(name)
    if (room.people.size === 0) rooms.delete(room_name)
    else tell_others(person, { type: 'left', name })
  },
  on_error: err => {
    // A client with a full queue would miss messages. When it reconnects, `recent` has them.
    if (err.code === 'queue_full') err.socket?.close(4008, 'too slow')
    console.error(err.addr ?? '', err.message)
  },
})

function tell(person: Person, told: Told): void {
  person.send(JSON.stringify(told))
}

function tell_others(person: Person, told: Told): void {
  server.publish(person.data.room_name, JSON.stringify(told), { except: person })
}

/** Returns the text of a valid message. */
function read_text(data: string): string | undefined {
  try {
    const message: unknown = JSON.parse(data)
    if (typeof message !== 'object' || message === null || !('text' in message)) return undefined
    const { text } = message
    if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_TEXT) return undefined
    return text
  } catch {
    return undefined // no JSON
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
await server.opened
console.log(`listening on ws://${server.addr}/chat`)
