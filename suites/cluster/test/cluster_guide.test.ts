import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connect, listen, type WsServer } from '@bt/net'
import { start_nats, start_redis } from '@bt/test-support/brokers'
import { Journal } from '@bt/test-support/journal'
import { blocks_of, samples_of } from '@bt/test-support/samples'
import { temporary_folder } from '@bt/test-support/temporary'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { type Node, TestCluster } from './test_cluster.ts'

const here = dirname(fileURLToPath(import.meta.url))
const docs = join(here, '../../../docs')
const guide = readFileSync(join(docs, 'cluster.md'), 'utf8')
/** Inside the suite, so that the imports of a sample resolve. */
const folder = temporary_folder('guide', join(here, '..'))
const samples = Array.from(samples_of(guide), ([name, code]) => ({ name: name.replace('.ts', ''), code }))

afterAll(() => rmSync(folder, { recursive: true }))

test('the guide has no TypeScript but the samples that are run here', () => {
  expect(samples.map(({ name }) => name)).toEqual(['nats', 'redis'])
  expect(blocks_of(guide).filter(({ language }) => language === 'ts')).toHaveLength(samples.length)
})

test.each(samples)('two servers that run the $name sample share a topic', async ({ name, code }) => {
  const broker = await (name === 'nats' ? start_nats() : start_redis())
  onTestFinished(() => broker.close())
  const servers = await Promise.all(
    [1, 2].map(async number => {
      const file = join(folder, `${name}${number}.ts`)
      const with_test_addresses = code
        .replace('127.0.0.1:8081', '127.0.0.1:0')
        .replace(/\w+:\/\/127\.0\.0\.1:(4222|6379)/, broker.url)
      writeFileSync(file, `${with_test_addresses}\nexport { server }\n`)
      const { server } = (await import(file)) as { server: WsServer }
      onTestFinished(() => server[Symbol.asyncDispose]())
      return server
    }),
  )
  const [sender, receiver] = await Promise.all(
    servers.map(async server => {
      await server.opened
      const texts = new Journal<string>()
      const ws = connect({ type: 'ws', url: `ws://${server.addr}/ws`, on_message: text => texts.add(text) })
      onTestFinished(() => ws[Symbol.asyncDispose]())
      await ws.opened
      return { ws, texts }
    }),
  )
  // Sends until one message arrives: the receiver may join the lobby only after the first ones.
  const interval = setInterval(() => sender?.ws.send('hello'), 10)
  onTestFinished(() => clearInterval(interval))
  await receiver?.texts.first(text => text === 'hello')
  expect(sender?.texts.entries).not.toContain('hello')
})

test('the samples type-check', async () => {
  for (const { name, code } of samples) writeFileSync(join(folder, `${name}.ts`), code)
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    lib: ['ES2022', 'ESNext.Disposable', 'DOM'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  }
  const files = samples.map(({ name }) => `${name}.ts`)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
  await promisify(execFile)(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-p', folder])
})

test.each([
  ['cluster.md', '## Figures'],
  ['zh/cluster.md', '## 统计项'],
])('docs/%s lists exactly the figures of stats().cluster', async (file, heading) => {
  await using cluster = await TestCluster.start('nats', 1)
  const [node] = cluster.nodes as [Node]
  const { stats } = await node.stats()
  const listed = Array.from(
    readFileSync(join(docs, file), 'utf8')
      .split(heading)[1]
      ?.matchAll(/^\| `(\w+)` \|/gm) ?? [],
    ([, name]) => name,
  )
  expect(listed).toEqual(Object.keys(stats))
})

test('a server listens even if its broker is down, and reports that', async () => {
  const broker = await start_nats()
  await broker.close()
  const { nats } = await import('@bt/ws-cluster-nats')
  const errors = new Journal<string>()
  const cluster = nats({ servers: broker.url })
  await using server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    cluster,
    on_error: ({ message }) => errors.add(message),
  })
  await server.opened
  expect(await errors.first()).toContain(`${broker.address} cannot be reached: `)
})
