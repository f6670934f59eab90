import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** The reply of a {@link FakeRedis} to `HELLO`. */
export interface ServerInfo {
  /** If empty, the server does not know `HELLO`. */
  readonly version: string
  readonly mode: string
}

/**
 * A server that speaks enough of the Redis protocol to imitate versions and states that tests can't start.
 */
export class FakeRedis {
  /** The received commands, except those of the handshake. */
  readonly commands: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Starts a server that answers `HELLO` with `info` and any other command with `answer`. */
  static async start(info: ServerInfo, answer: (words: readonly string[]) => string): Promise<FakeRedis> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const fake = new FakeRedis(server)
    server.on('connection', socket => {
      fake.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', data => {
        for (const words of commands_of(String(data))) socket.write(fake.#answer(words, info, answer))
      })
    })
    return fake
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #answer(
    words: readonly string[],
    { version, mode }: ServerInfo,
    answer: (words: readonly string[]) => string,
  ): string {
    if (words[0] === 'CLIENT') return '+OK\r\n'
    if (words[0] === 'HELLO' && version !== '')
      return `%2\r\n+version\r\n+${version}\r\n+mode\r\n+${mode}\r\n`
    this.commands.push(words.join(' '))
    return answer(words)
  }
}

/** Parses the commands of a chunk, which in these tests contains only whole commands. */
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
