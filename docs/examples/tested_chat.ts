// A chat with rooms, written so that it can be tested without a network: `tested_chat.test.ts` beside this file
// does. The options of the server do not say where it listens; a program adds that:
//
//   const server = listen({ type: 'ws', bind: '127.0.0.1:8081', ...chat_options() })
//
// and a test adds a network in memory instead.
import { refuse, type WsListenOptions, type WsServerError, type WsSocket } from '@bt/net'

const NAME = /^\w{1,20}$/
const MAX_TEXT = 500

/** What the chat needs from outside. */
export interface ChatSettings {
  /** Returns the name of the person with this token. */
  readonly find_name?: (token: string) => Promise<string | undefined>
  /** Stores a message, and resolves when it is stored. */
  readonly store?: (room: string, text: string) => Promise<void>
  /** Called when something fails. */
  readonly on_error?: (err: WsServerError<Person>) => void
}

/** What the server knows of each socket. */
export interface Person {
  readonly name: string
  readonly room: string
}

type Socket = WsSocket<Person>

/** Returns the options of a chat server, except for its address. */
export function chat_options({
  find_name = async token => token,
  store = async () => {},
  on_error = err => console.error(err.message),
}: ChatSettings = {}): Omit<WsListenOptions<false, Person>, 'type' | 'bind'> {
  const rooms = new Map<string, Set<Socket>>()
  const tell = (room: string, message: object, except?: Socket): void => {
    for (const socket of rooms.get(room) ?? []) if (socket !== except) socket.send(JSON.stringify(message))
  }
  return {
    route: '/chat',
    heartbeat: 10_000,
    authorize: async ({ query }) => {
      const name = await find_name(query.get('token') ?? '')
      const room = query.get('room') ?? 'lobby'
      if (name === undefined) return refuse(401, 'sign in first', { close: 4401 })
      if (!NAME.test(name) || !NAME.test(room))
        return refuse(400, 'name and room are 1 to 20 letters or digits')
      return { name, room }
    },
    on_connect: socket => {
      const { name, room } = socket.data
      const members = rooms.get(room) ?? new Set()
      rooms.set(room, members.add(socket))
      socket.send(JSON.stringify({ people: [...members].map(({ data }) => data.name) }))
      tell(room, { came: name }, socket)
      // `on_close` waits for callbacks in progress; the others should know at once.
      socket.signal.addEventListener('abort', () => {
        members.delete(socket)
        if (members.size === 0) rooms.delete(room)
        tell(room, { left: name })
      })
    },
    on_message: async (socket, text) => {
      const { name, room } = socket.data
      if (text.length > MAX_TEXT) return void socket.close(4413, `at most ${MAX_TEXT} characters`)
      if (text.trim() === '') return
      await store(room, text)
      tell(room, { from: name, text })
    },
    on_error,
  }
}
