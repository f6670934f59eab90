// Measures throughput and memory with a sender and a receiver in separate processes, and prints the figures:
// `pnpm figures`. Tests check the guarantees; this script only measures.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connect_tcp } from 'node:net'
import { connect, listen } from '../packages/net/dist/index.js'

const BURST = 50_000
const MANY = 2_000_000
const SLOW = 10_000
const SLOW_MS = 5
const SIZE = 64

const message = index => String(index).padEnd(SIZE, '.')
const rss_mb = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1_048_576
}
const heap_mb = () => process.memoryUsage().heapUsed / 1_048_576
const mb = value => `${value.toFixed(1)} MiB`

/** Runs the receiver: counts messages, and reports the result to the sender once all have arrived. */
async function receive(expected, handler_ms) {
  let next = 0
  let out_of_order = 0
  const memory = []
  const server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    on_message: with_delay(handler_ms, (socket, data) => {
      if (data !== message(next)) out_of_order += 1
      next += 1
      if (next % (expected / 20) === 0) memory.push([rss_mb(), heap_mb()])
      if (next === expected) socket.send(JSON.stringify({ received: next, out_of_order, memory }))
    }),
  })
  // The receiver must not outlive the sender.
  process.on('disconnect', () => process.exit())
  await server.opened
  process.send(server.addr)
}

function with_delay(delay_ms, handle) {
  if (delay_ms === 0) return handle
  return async (socket, data) => {
    await new Promise(resolve => setTimeout(resolve, delay_ms))
    handle(socket, data)
  }
}

/** Runs the sender: sends in one turn, or waits for `drained()` after each `queue_full`. */
async function send(name, count, handler_ms, in_one_turn) {
  const receiver = fork(process.argv[1], ['receive', String(count), String(handler_ms)], {
    execArgv: ['--expose-gc'],
  })
  const [addr] = await once(receiver, 'message')
  const ws = connect({ type: 'ws', url: `ws://${addr}/ws`, on_error: () => {} })
  await ws.opened
  const before = rss_mb()
  const memory = []
  let refused = 0
  const start = performance.now()
  for (let index = 0; index < count; index += 1) {
    for (let result = ws.send(message(index)); result !== true; result = ws.send(message(index))) {
      refused += 1
      if (in_one_turn) break
      await ws.drained()
    }
    if (index % (count / 20) === 0) memory.push([rss_mb(), heap_mb()])
  }
  const send_loop_ms = performance.now() - start
  const { value } = await ws[Symbol.asyncIterator]().next()
  const total_ms = performance.now() - start
  const result = JSON.parse(value)
  console.log(`\n${name}`)
  console.log(
    `  received ${result.received} of ${count}, out of order ${result.out_of_order}, queue_full ${refused} times`,
  )
  console.log(
    `  send loop ${send_loop_ms.toFixed(0)} ms, until the last message was handled ${total_ms.toFixed(0)} ms`,
  )
  console.log(`  sender's resident memory ${mb(before)} before`)
  for (const [role, samples] of [
    ['sender', memory],
    ['receiver', result.memory],
  ]) {
    const [resident, heap] = [0, 1].map(column => samples.map(sample => sample[column].toFixed(column)))
    console.log(`  ${role}, resident MiB over time: ${resident.join(' ')}`)
    console.log(`  ${role}, heap MiB over time:     ${heap.join(' ')}`)
  }
  await ws[Symbol.asyncDispose]()
  receiver.kill()
}

/** Measures the queue and the memory for a peer that stops reading after the handshake. */
async function send_to_stalled_peer() {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', on_error: () => {} })
  await server.opened
  const peer = connect_tcp(Number(server.addr.split(':')[1]), '127.0.0.1')
  const headers = 'Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
  peer.write(`GET /ws HTTP/1.1\r\n${headers}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
  await once(peer, 'data')
  peer.pause()
  const [socket] = server.sockets
  const before = rss_mb()
  let accepted = 0
  while (socket.send(message(accepted)) === true) accepted += 1
  const after = rss_mb()
  const in_kernel = accepted * (SIZE + 2) - socket.queued
  console.log('\nA peer that has stopped reading')
  console.log(
    `  ${accepted} messages of ${SIZE} bytes accepted before queue_full: ${socket.queued} bytes queued (max_queue 4194304), ${in_kernel} in kernel buffers`,
  )
  console.log(`  resident memory grew by ${mb(after - before)}, from ${mb(before)} after garbage collection`)
  for (let i = 0; i < 1_000_000; i += 1) socket.send(message(i))
  console.log(`  after 1000000 more sends, all refused: ${mb(rss_mb() - before)} above the start`)
  peer.destroy()
  await server[Symbol.asyncDispose]()
}

const [, , role, count, handler_ms] = process.argv
if (role === 'receive') await receive(Number(count), Number(handler_ms))
else {
  console.log(`Node ${process.version}, messages of ${SIZE} bytes`)
  await send_to_stalled_peer()
  await send(`A burst of ${BURST} messages in one turn`, BURST, 0, true)
  await send(`${MANY} messages, awaiting drained() after queue_full`, MANY, 0, false)
  await send(`${SLOW} messages to an async on_message of ${SLOW_MS} ms`, SLOW, SLOW_MS, false)
}
