// Chat rooms: who is there, what was said lately, and nobody who talks for all the others. BIND says where it listens.
//
//   connect({ type: 'ws', url: 'ws://127.0.0.1:8081/chat?room=lobby&name=ada', reconnect: true })
//
// A client sends {"text":"hello"}, and is sent what `Told` says, each as JSON.
import { setTimeout as wait } from 'node:timers/promises'
import { listen, refuse, type WsSocket } from '@bt/net'

const BIND = process.env.BIND ?? '127.0.0.1:8081'
const MAX_TEXT = 1_000
const MAX_RECENT = 50
/** A person says at most one thing in that time; what they send meanwhile waits its turn. */
const PACE_MS = Number(process.env.PACE_MS ?? 200)
/** What rooms and people may be called. */
const NAME = /^[\p{L}\p{N}_.-]{1,32}$/u

interface Said {
  readonly type: 'said'
  readonly from: string
  readonly text: string
  readonly at_ms: number
}

type Told =
  | { readonly type: 'welcome'; readonly people: readonly string[]; readonly recent: readonly Said[] }
  | { readonly type: 'came' | 'left'; readonly name: string }
  | { readonly type: 'refused'; readonly why: string }
  | Said

type Person = WsSocket<{ readonly name: string; readonly room_name: string }>

interface Room {
  readonly people: Map<string, Person>
  readonly recent: Said[]
}

/** A room is there while somebody is in it, so that there are never more rooms than sockets. */
const rooms = new Map<string, Room>()

const server = listen({
  type: 'ws',
  bind: BIND,
  route: '/chat',
  max_payload: 16 * 1_024,
  authorize: ({ query }) => {
    const name = query.get('name') ?? ''
    const room_name = query.get('room') ?? 'lobby'
    if (!NAME.test(name) || !NAME.test(room_name))
      return refuse(400, 'name and room take 1 to 32 letters, digits, or any of _.-')
    return { name, room_name }
  },
  on_connect: person => {
    const { name, room_name } = person.data
    const room = rooms.get(room_name) ?? { people: new Map(), recent: [] }
    // Whoever comes back sooner than the heartbeat has missed them is told so, too: with `reconnect` they try again by themselves.
    if (room.people.has(name)) return void person.close(4409, `there is a ${name} already`)
    rooms.set(room_name, room)
    room.people.set(name, person)
    person.join(room_name)
    tell(person, { type: 'welcome', people: [...room.people.keys()], recent: room.recent })
    tell_others(person, { type: 'came', name })
  },
  on_message: async (person, data) => {
    const { name, room_name } = person.data
    const text = read_text(data)
    if (text === undefined) {
      tell(person, { type: 'refused', why: `send {"text":"…"} with 1 to ${MAX_TEXT} characters` })
    } else {
      const said: Said = { type: 'said', from: name, text, at_ms: Date.now() }
      const recent = rooms.get(room_name)?.recent
      recent?.push(said)
      if (recent !== undefined && recent.length > MAX_RECENT) recent.shift()
      server.publish(room_name, JSON.stringify(said))
    }
    // The next message of this person waits until then, and a flood of them is slowed down at its source.
    await wait(PACE_MS)
  },
  on_close: person => {
    const { name, room_name } = person.data
    const room = rooms.get(room_name)
    // Whoever was turned away because of their name was never in it.
    if (room?.people.get(name) !== person) return
    room.people.delete(name)
    if (room.people.size === 0) rooms.delete(room_name)
    else tell_others(person, { type: 'left', name })
  },
  on_error: err => {
    // Who takes nothing any more would miss what is said. Once they come back, `recent` tells them.
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

/** What a message says, where it is one of ours. */
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
