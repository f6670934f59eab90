import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** What a {@link FakeRedis} answers to `HELLO`. */
export interface Greeting {
  /** Empty: it does not know `HELLO`. */
  readonly version: string
  readonly mode: string
}

/** A server that speaks as much of the protocol of Redis as a client needs to connect, to play versions and moods that are not at hand. */
export class FakeRedis {
  /** What it was asked, but for greetings. */
  readonly commands: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Starts one that greets so, and answers all else by `answer`. */
  static async start(greeting: Greeting, answer: (words: readonly string[]) => string): Promise<FakeRedis> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const fake = new FakeRedis(server)
    server.on('connection', socket => {
      fake.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', data => {
        for (const words of commands_of(String(data))) socket.write(fake.#answer(words, greeting, answer))
      })
    })
    return fake
  }

  /** Where it is. */
  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends it. */
  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #answer(
    words: readonly string[],
    { version, mode }: Greeting,
    answer: (words: readonly string[]) => string,
  ): string {
    if (words[0] === 'CLIENT') return '+OK\r\n'
    if (words[0] === 'HELLO' && version !== '')
      return `%2\r\n+version\r\n+${version}\r\n+mode\r\n+${mode}\r\n`
    this.commands.push(words.join(' '))
    return answer(words)
  }
}

/** The commands in what came; each comes in one piece here. */
function commands_of(data: string): string[][] {
  const commands: string[][] = []
  const lines = data.split('\r\n')
  for (let line = 0; lines[line]?.startsWith('*'); ) {
    const count = Number(lines[line]?.slice(1))
    commands.push(Array.from({ length: count }, (_, index) => lines[line + 2 + index * 2] ?? ''))
    line += 1 + count * 2
  }
  return commands
}
