import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { free_port } from '@bt/test-support/free_port'
import { RunningProgram } from '@bt/test-support/running_program'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { node_platform } from '@bt/ws-protocol/internal/node'
import type { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { type Metric, register } from 'prom-client'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import * as net from '../src/index.js'

const here = dirname(fileURLToPath(import.meta.url))
const docs = join(here, '../../../docs')
const page = readFileSync(join(docs, 'observability.md'), 'utf8')
/** The page in each language, which has its figures before the heading that is named. */
const PAGES = [
  { language: 'English', page, events: '## Events' },
  {
    language: 'Chinese',
    page: readFileSync(join(docs, 'zh/observability.md'), 'utf8'),
    events: '## 事件',
  },
]
/** Inside the package, so that a sample finds its imports. */
const folder = temporary_folder('observability', join(here, '..'))
const samples = samples_of(page)
for (const [name, code] of samples) writeFileSync(join(folder, name), code)

/** Runs a sample, at ports that are free just now. */
async function run_sample<Exports>(name: string): Promise<Exports> {
  const code = samples.get(name) ?? ''
  writeFileSync(join(folder, name), code.replace('127.0.0.1:8081', '127.0.0.1:0').replace('9464', '0'))
  return import(join(folder, name))
}

let compiled: Promise<unknown> | undefined

/** Compiles all samples, into the folder `built`. */
function compile_samples(): Promise<unknown> {
  compiled ??= run_compiler()
  return compiled
}

async function run_compiler(): Promise<void> {
  const settings = {
    compilerOptions: {
      ...{ module: 'nodenext', target: 'es2022', strict: true, types: ['node'] },
      ...{ rootDir: '.', outDir: 'built' },
    },
    include: ['*.ts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
  await promisify(execFile)(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-p', folder])
}

/** The rows of a table, each cell without its backticks; the comma of a Chinese list is a comma. */
function rows_of(page: string, first_cell: RegExp): string[][] {
  return page
    .split('\n')
    .filter(line => first_cell.test(line))
    .map(line => line.slice(1, -1).split('|'))
    .map(cells => cells.map(cell => cell.replaceAll('`', '').replaceAll('、', ', ').trim()))
}

/** Sends 1 MiB each time, until the queue is full; returns how many messages it took. */
function fill_queue(socket: net.WsSocket | undefined): number {
  let taken = 0
  while (socket?.send('x'.repeat(1_048_576)) === true) taken += 1
  return taken
}

const opened: AsyncDisposable[] = []

/** Connects, and takes an answer for each message that is given. */
async function connect_client(
  server: net.WsServer,
  path = '/ws',
  options: Partial<net.WsConnectOptions> = {},
): Promise<net.WsClient> {
  const url = `ws://${server.addr}${path}`
  const client = net.connect({ type: 'ws', url, on_message: () => {}, on_error: () => {}, ...options })
  opened.push(client)
  await client.opened.catch(() => {})
  return client
}

async function exchange(client: net.WsClient, messages: readonly string[]): Promise<void> {
  let left = messages.length
  await new Promise<void>(resolve => {
    client.on_message(() => {
      left -= 1
      if (left === 0) resolve()
    })
    for (const message of messages) client.send(message)
  })
}

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
  vi.restoreAllMocks()
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the page on observability', () => {
  it('has no code that is not tried', () => {
    expect([...samples.keys()]).toEqual([
      'events.ts',
      'prometheus.ts',
      'measured_server.ts',
      'measured_workers.ts',
      'opentelemetry.ts',
      'traced_server.ts',
      'client_log.ts',
    ])
    expect(blocks_of(page).filter(({ language }) => language === 'ts')).toHaveLength(samples.size)
  })

  it('has samples whose types are right', async () => {
    await expect(compile_samples()).resolves.toBeUndefined()
  })

  it.each(PAGES)('lists every figure of stats(), and none that there is not, in $language', async each => {
    const server = net.listen({ type: 'ws', bind: '127.0.0.1:0' })
    opened.push(server)
    await server.opened
    const listed = each.page.split(each.events)[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? []
    const figures = Array.from(listed, ([, name]) => name)
    expect(figures.sort()).toEqual(Object.keys(server.stats()).sort())
  })

  it.each(PAGES)('lists every channel and its fields, in $language', async ({ page }) => {
    const listed = rows_of(page, /^\| `bt\.net\.\w+` \| .*`side`/)
    const names = Object.keys(node_platform.channels ?? {}).map(name => `bt.net.${name}`)
    expect(listed.map(([name]) => name)).toEqual(names)
    const told: [string, net.NetEvents[keyof net.NetEvents]][] = []
    const note = (event: unknown, name: string | symbol): unknown =>
      told.push([String(name), event as net.NetEvents[keyof net.NetEvents]])
    for (const name of names) subscribe(name, note)
    try {
      const server = net.listen({
        type: 'ws',
        bind: '127.0.0.1:0',
        on_message: socket => void fill_queue(socket),
        on_error: () => {},
      })
      opened.push(server)
      await server.opened
      await connect_client(server, '/elsewhere')
      const client = await connect_client(server)
      const [socket] = server.sockets
      await exchange(client, ['hello'])
      client.close()
      await Promise.all([client.closed, socket?.closed])
    } finally {
      for (const name of names) unsubscribe(name, note)
    }
    const fields = (name: string): string[] => {
      const events = told.filter(each => each[0] === name)
      return [...new Set(events.flatMap(([, event]) => Object.keys(event)))]
    }
    expect(names.map(name => [name, fields(name)])).toEqual(
      listed.map(([name, , carried]) => [name, carried?.split(', ')]),
    )
    const sides = told.map(([name, { side }]) => `${name} ${side}`)
    for (const name of ['open', 'close', 'message', 'error']) {
      expect(sides).toContain(`bt.net.${name} server`)
      expect(sides).toContain(`bt.net.${name} client`)
    }
  })
})

describe('its Prometheus samples', () => {
  it('report what the server did, on request', async () => {
    interface Exports {
      readonly server: net.WsServer
      readonly metrics: Server
    }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { server, metrics } = await run_sample<Exports>('measured_server.ts')
    opened.push(server, metrics)
    if (!metrics.listening) await once(metrics, 'listening')
    await server.opened
    const leaving = await connect_client(server)
    const [left] = server.sockets
    await exchange(leaving, ['one', 'two', 'three'])
    leaving.close()
    await Promise.all([leaving.closed, left?.closed])
    await (await connect_client(server, '/elsewhere')).closed
    await connect_client(server)
    const [staying] = server.sockets
    const taken = fill_queue(staying)
    const { port } = metrics.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    const stats = server.stats()
    const values = values_of(await response.text())
    expect(response.headers.get('content-type')).toContain('text/plain')
    const all_closed = Object.values(stats.closed).reduce((sum, count) => sum + count, 0)
    expect(stats.accepted).toBe(stats.sockets + all_closed)
    expect(Object.fromEntries(values)).toMatchObject({
      bt_net_server_sockets: 1,
      bt_net_server_inbox_bytes: 0,
      bt_net_server_accepted_total: 2,
      'bt_net_server_refused_total{reason="wrong_path"}': 1,
      'bt_net_server_refused_total{reason="over_limit"}': 0,
      'bt_net_server_closed_total{cause="peer"}': 1,
      'bt_net_server_closed_total{cause="heartbeat"}': 0,
      bt_net_server_shed_total: 0,
      bt_net_server_slowed_total: 0,
      bt_net_server_topics: 0,
      bt_net_server_received_bytes_total: stats.received_bytes,
      bt_net_server_sent_bytes_total: expect.any(Number),
      'bt_net_opens_total{side="server"}': 2,
      'bt_net_opens_total{side="client"}': 2,
      'bt_net_closes_total{side="server",cause="peer"}': 1,
      'bt_net_closes_total{side="client",cause="local"}': 1,
      'bt_net_closes_total{side="client",cause="refused"}': 1,
      'bt_net_connections{side="server"}': 1,
      'bt_net_connections{side="client"}': 1,
      'bt_net_connection_duration_seconds_count{side="server"}': 1,
      'bt_net_connection_duration_seconds_count{side="client"}': 1,
      'bt_net_message_bytes_count{side="server",direction="received"}': 3,
      'bt_net_message_bytes_sum{side="server",direction="received"}': 11,
      'bt_net_message_bytes_bucket{le="64",side="server",direction="sent"}': 3,
      'bt_net_message_bytes_count{side="server",direction="sent"}': 3 + taken,
      'bt_net_message_bytes_sum{side="client",direction="sent"}': 11,
      'bt_net_queue_full_total{side="server"}': 1,
      'bt_net_errors_total{side="server",code="queue_full"}': 1,
      'bt_net_errors_total{side="client",code="handshake_refused"}': 1,
    })
    const figures = await import(join(folder, 'prometheus.ts'))
    const cluster = {
      ...{ is_connected: true, nodes: 3, subscriptions: 2, queued_bytes: 0 },
      ...{ published: 7, received: 8, refused: 0, lost: 0, unreadable: 0, outages: 1 },
    }
    figures.measure_server({ stats: () => ({ ...stats, cluster, round_trip_ms: { p50: 12, p99: 250 } }) })
    const later = values_of(await register.metrics())
    expect(later.get('bt_net_server_round_trip_seconds{quantile="0.5"}')).toBe(0.012)
    expect(later.get('bt_net_server_round_trip_seconds{quantile="0.99"}')).toBe(0.25)
    expect(later.get('bt_net_server_accepted_total')).toBe(2)
    expect(later.get('bt_net_server_cluster{figure="is_connected"}')).toBe(1)
    expect(later.get('bt_net_server_cluster{figure="published"}')).toBe(undefined)
    expect(later.get('bt_net_server_cluster_total{event="published"}')).toBe(7)
  })

  it.each(PAGES)(
    'make the metrics that the page lists in $language, and ask for no other',
    async ({ page }) => {
      await import(join(folder, 'prometheus.ts'))
      const listed = rows_of(page, /^\| `bt_net_\w+` \|/).map(([name, type, labels]) => ({
        name,
        type,
        labels,
      }))
      const made = (await register.getMetricsAsJSON()).map(({ name, type }) => {
        const metric = register.getSingleMetric(name) as Metric & { readonly labelNames: readonly string[] }
        return { name, type: String(type), labels: metric.labelNames.join(', ') }
      })
      expect(listed).toEqual(made)
      const [, queries = ''] = page.split('```promql')
      const known = listed.flatMap(({ name, type }) =>
        type === 'histogram' ? ['bucket', 'count', 'sum'].map(part => `${name}_${part}`) : [name],
      )
      expect(known).toEqual(expect.arrayContaining(queries.match(/bt_net_\w+/g) ?? ['none']))
    },
  )
})

describe('its sample for several workers', () => {
  it('tells what each worker did', async () => {
    await compile_samples()
    const metrics_port = await free_port()
    const main = join(folder, 'built/measured_workers.js')
    const code = readFileSync(main, 'utf8')
    writeFileSync(main, code.replace('127.0.0.1:8081', '127.0.0.1:0').replace('9464', String(metrics_port)))
    const program = new RunningProgram(process.execPath, [main])
    opened.push({ [Symbol.asyncDispose]: async () => void (await program.stop()) })
    const addr = await program.says(/worker 1 listens on (.*)/)
    await program.says('worker 2 listens')
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = net.connect({ type: 'ws', url: `ws://${addr}/ws`, on_message: () => {} })
        await exchange(client, ['hello'])
        return client
      }),
    )
    opened.push(...clients)
    const scrape = async (): Promise<Map<string, number>> => {
      const response = await fetch(`http://127.0.0.1:${metrics_port}/metrics`)
      return values_of(await response.text())
    }
    const sum_of = (values: Map<string, number>, name: string): number =>
      ['1', '2'].reduce((sum, worker) => sum + (values.get(`${name}{worker="${worker}"}`) ?? 0), 0)
    const values = await scrape()
    expect(sum_of(values, 'bt_net_server_sockets')).toBe(4)
    expect(sum_of(values, 'bt_net_server_accepted_total')).toBe(4)
    expect(values.get('bt_net_message_bytes_sum{side="server",direction="received",worker="1"}')).toBe(
      5 * (values.get('bt_net_server_sockets{worker="1"}') ?? 0),
    )
    clients[0]?.close()
    await clients[0]?.closed
    await vi.waitFor(async () => expect(sum_of(await scrape(), 'bt_net_server_sockets')).toBe(3))
    expect(sum_of(await scrape(), 'bt_net_server_accepted_total')).toBe(4)
  })

  it('answers 503 when the workers do not', async () => {
    const { serve_metrics } = await import(join(folder, 'prometheus.ts'))
    const http: Server = serve_metrics(0, '127.0.0.1', () =>
      Promise.reject(new Error('Operation timed out.')),
    )
    opened.push(http)
    await once(http, 'listening')
    const response = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)
    expect(response.status).toBe(503)
    expect(await response.text()).toBe('Error: Operation timed out.')
  })
})

/** Returns the metrics as Prometheus would read them. */
function values_of(text: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))] as const),
  )
}

describe('its OpenTelemetry samples', () => {
  it('export what the server did, as metrics and as a span of each connection', async () => {
    interface Exports {
      readonly server: net.WsServer
      readonly meters: MeterProvider
      readonly tracers: BasicTracerProvider
    }
    const exported: Record<string, unknown>[] = []
    vi.spyOn(console, 'dir').mockImplementation(each => exported.push(each))
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { server, meters, tracers } = await run_sample<Exports>('traced_server.ts')
    opened.push(server)
    await server.opened
    const good = await connect_client(server)
    const bad = await connect_client(server)
    const [first, second] = server.sockets
    await exchange(good, ['one', 'two'])
    const taken = fill_queue(first)
    good.close()
    bad.send(new Uint8Array(3))
    await Promise.all([good, bad, first, second].map(each => each?.closed))
    await connect_client(server, '/elsewhere')
    await Promise.all([meters.shutdown(), tracers.shutdown()])

    const points = new Map<string, unknown>()
    for (const { descriptor, dataPoints } of exported as unknown as ExportedMetric[]) {
      for (const { attributes, value } of dataPoints ?? [])
        points.set([descriptor.name, ...Object.values(attributes)].join(' '), value)
    }
    expect(Object.fromEntries(points)).toMatchObject({
      'bt.net.server.sockets': 0,
      'bt.net.server.queued': 0,
      'bt.net.server.inbox': 0,
      'bt.net.server.accepted': 2,
      'bt.net.server.refused wrong_path': 1,
      'bt.net.server.closed peer': 1,
      'bt.net.server.closed protocol': 1,
      'bt.net.server.shed': 0,
      'bt.net.server.slowed': 0,
      'bt.net.server.topics': 0,
      'bt.net.server.traffic received': server.stats().received_bytes,
      'bt.net.server.traffic sent': server.stats().sent_bytes,
      'bt.net.message server received': { count: 3, sum: 9, min: 3, max: 3 },
      'bt.net.message server sent': { count: 2 + taken },
      'bt.net.message client sent': { count: 3 },
    })

    const spans = (exported as unknown as ExportedSpan[]).filter(({ name }) => name === 'bt.net.connection')
    expect(spans).toHaveLength(4)
    const of_server = (addr: string | undefined): unknown =>
      spans.find(({ attributes }) => attributes['client.address'] === addr)
    expect(of_server(first?.addr)).toMatchObject({
      kind: 1,
      status: { code: 0 },
      attributes: { 'url.path': '/ws', 'bt.net.close.code': 1000, 'bt.net.close.cause': 'peer' },
      events: [{ name: 'queue_full', attributes: { 'bt.net.queued_bytes': expect.any(Number) } }, {}],
    })
    expect(of_server(second?.addr)).toMatchObject({
      status: { code: 2, message: expect.stringContaining('binary message of 3 bytes') },
      attributes: { 'bt.net.close.cause': 'protocol' },
      events: [{ name: 'exception' }],
    })
    const of_clients = spans.filter(({ attributes }) => attributes['server.address'] === server.addr)
    expect(of_clients.map(({ kind }) => kind)).toEqual([2, 2])
  })
})

interface ExportedMetric {
  readonly descriptor: { readonly name: string }
  readonly dataPoints?: readonly { readonly attributes: object; readonly value: unknown }[]
}

interface ExportedSpan {
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
}

describe('its sample for clients', () => {
  it('logs each connection of a client that comes back, and its end', async () => {
    const lines: string[] = []
    vi.spyOn(console, 'log').mockImplementation(line => lines.push(line))
    await run_sample('client_log.ts')
    const server = net.listen({ type: 'ws', bind: '127.0.0.1:0' })
    opened.push(server)
    await server.opened
    const client = await connect_client(server, '/ws?token=secret', {
      reconnect: true,
      on_reconnecting: () => client.close(),
    })
    server.close()
    await client.closed
    expect(lines).toEqual([
      `open: ${server.addr}`,
      `connects again: ${server.addr}, peer 1001, no error`,
      `has ended: ${server.addr}, local 1006, no error`,
    ])
  })
})
