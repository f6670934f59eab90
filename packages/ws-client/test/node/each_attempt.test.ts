import type { IncomingMessage } from 'node:http'
import { deferred } from '@bt/test-support/deferred'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { connect, type NetError, type WsClient, type WsConnectOptions } from '../../src/index.js'
import { start_http_server, start_ws_server, stop_all } from '../echo_server.js'

const clients: WsClient[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.terminate()
  stop_all()
})

/** Connects a client that reconnects at once. */
function start(options: Partial<WsConnectOptions>): WsClient {
  const client = connect({
    type: 'ws',
    url: '',
    reconnect: { min_delay: 1, max_delay: 1 },
    on_error: () => {},
    ...options,
  })
  clients.push(client)
  return client
}

/** A server that records what each connection says, in order. */
interface Recorder {
  readonly url: string
  /** What was said on each connection. */
  readonly heard: string[][]
  /** Settles once the server has heard a text. */
  hears(text: string): Promise<void>
  stop(): void
}

interface RecorderSettings {
  /** Called with each connection, and the number of those before it. */
  on_open?(ws: WebSocket, index: number): void
  /** Returns the status of the answer to a handshake; 101 accepts it. */
  status_for?(request: IncomingMessage): number
}

/** Starts a {@link Recorder}, which cuts a connection off when it hears `cut …`. */
async function start_recorder({
  on_open = () => {},
  status_for = () => 101,
}: RecorderSettings = {}): Promise<Recorder> {
  const heard: string[][] = []
  const waiting = new Map<string, () => void>()
  const verifyClient = (
    { req }: { readonly req: IncomingMessage },
    answer: (accepts: boolean, status: number) => void,
  ): void => {
    const status = status_for(req)
    answer(status === 101, status)
  }
  const on_socket = (ws: WebSocket): void => {
    const texts: string[] = []
    heard.push(texts)
    ws.on('message', data => {
      const text = String(data)
      texts.push(text)
      waiting.get(text)?.()
      if (text.startsWith('cut')) ws.terminate()
    })
    on_open(ws, heard.length - 1)
  }
  const { url, stop } = await start_ws_server(on_socket, { verifyClient })
  const hears = async (text: string): Promise<void> => {
    if (heard.some(texts => texts.includes(text))) return
    const { promise, resolve } = deferred()
    waiting.set(text, resolve)
    await promise
  }
  return { url, heard, hears, stop }
}

/** The status of the answer that refused a handshake. */
function status_of(error: NetError | undefined): number | undefined {
  return (error?.cause as { readonly status?: number } | undefined)?.status
}

describe('a url with a token for one use', () => {
  /** A service that issues tokens, and a server that accepts each of them once. */
  async function start_service() {
    const unused = new Set<string>()
    const used: string[] = []
    const statuses: number[] = []
    const tokens = await start_http_server((_request, response) => {
      const token = `token_${used.length + unused.size}`
      unused.add(token)
      response.end(token)
    })
    const server = await start_recorder({
      status_for: ({ url = '' }) => {
        const token = new URL(url, 'ws://host').searchParams.get('token') ?? ''
        const status = unused.delete(token) ? 101 : 401
        if (status === 101) used.push(token)
        statuses.push(status)
        return status
      },
    })
    return { ...server, tokens_url: tokens.url.replace('ws:', 'http:'), used, statuses }
  }

  it('survives three lost connections with a new one each, and delivers each message once', async () => {
    const { tokens_url, url, heard, hears, used, statuses } = await start_service()
    let lost = 0
    const client = start({
      url: async ({ signal }) => `${url}?token=${await (await fetch(tokens_url, { signal })).text()}`,
      on_reconnecting: () => {
        lost += 1
        client.send(`after ${lost}`)
        client.send(lost < 3 ? `cut ${lost + 1}` : 'last')
      },
    })
    client.send('first')
    client.send('cut 1')
    await hears('last')
    expect(heard).toEqual([
      ['first', 'cut 1'],
      ['after 1', 'cut 2'],
      ['after 2', 'cut 3'],
      ['after 3', 'last'],
    ])
    expect(used).toEqual(['token_0', 'token_1', 'token_2', 'token_3'])
    expect(statuses).toEqual([101, 101, 101, 101])
    expect(client.addr).toBe(`${url}?token=token_3`)
  })

  it('that is no function is refused with 401 the second time, which is final', async () => {
    const { tokens_url, url, statuses } = await start_service()
    const client = start({ url: `${url}?token=${await (await fetch(tokens_url)).text()}` })
    client.send('cut')
    expect(await client.closed).toMatchObject({ cause: 'refused' })
    expect(statuses).toEqual([101, 401])
  })
})

describe('a url that depends on the attempt', () => {
  it('goes to the next server when one is gone, with what was queued', async () => {
    const servers = [await start_recorder(), await start_recorder(), await start_recorder()]
    const [first, second, third] = servers as [Recorder, Recorder, Recorder]
    const urls = servers.map(({ url }) => url)
    // Longer than the test takes, so that attempts are counted on.
    const reconnect = { min_delay: 1, max_delay: 600_000 }
    first.stop()
    const client = start({ url: ({ attempt }) => urls[attempt % urls.length] as string, reconnect })
    client.send('early')
    await second.hears('early')
    expect(client.addr).toBe(second.url)
    client.on_reconnecting(({ attempt }) => void client.send(`before ${attempt}`))
    second.stop()
    await third.hears('before 2')
    expect([client.addr, first.heard, second.heard, third.heard]).toEqual([
      third.url,
      [],
      [['early']],
      [['before 2']],
    ])
  })
})

describe('reconnect()', () => {
  it('under load, each message arrives once and in order', async () => {
    const COUNT = 5_000
    const { url, heard, hears } = await start_recorder()
    const unsent: number[] = []
    let opened = deferred()
    const client = start({
      url,
      max_queue: 50_000,
      on_open: () => opened.resolve(),
      on_reconnecting: ({ info }) => void unsent.push(info.unsent),
    })
    const sent = Array.from({ length: COUNT }, (_, index) => `${index}`.padStart(200, '.'))
    for (const [index, text] of sent.entries()) {
      while (client.send(text) !== true) await client.drained()
      if (index % 100 === 0) await new Promise(setImmediate)
      if (index % 1_250 !== 1_249 || index === COUNT - 1) continue
      await opened.promise
      opened = deferred()
      expect([client.state, client.reconnect()]).toEqual(['open', true])
    }
    await hears(sent.at(-1) as string)
    expect(heard).toHaveLength(4)
    expect(heard.flat()).toEqual(sent)
    expect(unsent).toEqual([0, 0, 0])
    expect(heard.every(texts => texts.length > 0)).toBe(true)
  })
})

describe('retries', () => {
  /** Starts a server that answers handshakes with these statuses, one after another. */
  async function start_refusing(...statuses: number[]) {
    const left = [...statuses]
    const { url } = await start_recorder({ status_for: () => left.shift() ?? 0 })
    return { url, left }
  }

  const again_after_404 = (_info: unknown, error: NetError | undefined): true | undefined =>
    status_of(error) === 404 ? true : undefined

  it('returns true for a 404 during a deployment: the client tries again until it is open', async () => {
    const { url, left } = await start_refusing(404, 404, 101)
    const client = start({ url, reconnect: { min_delay: 1, max_delay: 1, retries: again_after_404 } })
    await client.opened
    expect([client.state, left]).toEqual(['open', []])
  })

  it('returns undefined for a 401, which stays final', async () => {
    const { url, left } = await start_refusing(404, 401, 101)
    const client = start({ url, reconnect: { min_delay: 1, max_delay: 1, retries: again_after_404 } })
    await expect(client.opened).rejects.toMatchObject({ code: 'handshake_refused', cause: { status: 401 } })
    expect(left).toEqual([101])
  })

  it('returns false for a 503, which is not final otherwise', async () => {
    const { url, left } = await start_refusing(503, 101)
    const client = start({ url, reconnect: { retries: () => false } })
    expect(await client.closed).toMatchObject({ cause: 'refused' })
    expect(left).toEqual([101])
  })

  it('returns true for 1000 and 4401, which are final otherwise, and false for 1001, which is not', async () => {
    const codes = [1000, 4401, 1001]
    const { url, heard } = await start_recorder({ on_open: (ws, index) => ws.close(codes[index]) })
    const asked: unknown[] = []
    const client = start({
      url,
      reconnect: {
        min_delay: 1,
        max_delay: 1,
        retries: ({ code, cause }, error) => {
          asked.push([code, cause, error])
          return code !== 1001
        },
      },
    })
    expect(await client.closed).toMatchObject({ code: 1001, cause: 'peer', clean: true })
    expect(asked).toEqual(codes.map(code => [code, 'peer', undefined]))
    expect(heard).toHaveLength(3)
  })
})

describe('first words', () => {
  it('of an async on_open go ahead of the queue on each connection', async () => {
    const { url, heard, hears } = await start_recorder()
    let opens = 0
    const client = start({
      url,
      on_open: async () => {
        opens += 1
        client.send(`I am ada, ${opens}`)
        await client.drained()
        await hears(`I am ada, ${opens}`)
        client.send(`I read news, ${opens}`)
      },
      on_reconnecting: () => {
        client.send(`while away, ${opens}`)
        client.send(opens < 4 ? `cut ${opens}` : 'last')
      },
    })
    client.send('before it is open')
    client.send('cut 0')
    await hears('last')
    expect(heard).toEqual([
      ['I am ada, 1', 'I read news, 1', 'before it is open', 'cut 0'],
      ['I am ada, 2', 'I read news, 2', 'while away, 1', 'cut 1'],
      ['I am ada, 3', 'I read news, 3', 'while away, 2', 'cut 2'],
      ['I am ada, 4', 'I read news, 4', 'while away, 3', 'cut 3'],
      ['I am ada, 5', 'I read news, 5', 'while away, 4', 'last'],
    ])
  })

  it('are said anew when they are lost, and what was queued follows them once', async () => {
    const { url, heard, hears } = await start_recorder()
    const HUGE = 'x'.repeat(32 << 20)
    let opens = 0
    const lost: number[] = []
    const asked: number[] = []
    let next_loss = deferred()
    const client = start({
      url,
      max_queue: 2 * HUGE.length,
      reconnect: { min_delay: 1, max_delay: 1, retries: ({ unsent }) => void asked.push(unsent) },
      on_open: async () => {
        opens += 1
        const loss = next_loss.promise
        client.send(opens < 3 ? `cut ${opens}` : 'I am ada')
        if (opens < 3) {
          // The server ends the connection before it could read this.
          client.send(HUGE)
          client.send('behind it')
          await loss
        }
      },
      on_reconnecting: ({ info }) => {
        lost.push(info.unsent)
        next_loss.resolve()
        next_loss = deferred()
      },
    })
    client.send('queued')
    await hears('queued')
    expect(heard).toEqual([['cut 1'], ['cut 2'], ['I am ada', 'queued']])
    expect(lost.every(unsent => unsent > 1)).toBe(true)
    expect(asked).toEqual(lost)
  })
})
