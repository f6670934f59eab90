import { setPriority } from 'node:os'
import { cpu_us, handle_commands } from '../process/commands.js'
import { CountingServer } from '../wire/counting_server.js'
import type { Dialect, Shape } from '../wire/message.js'
import { ClientGroup, type LoadResult } from './client_group.js'
import type { Target } from './client_socket.js'
import {
  type ClosedLoopTask,
  type ConnectTask,
  type FanOutTask,
  run_closed_loop,
  run_connect_loop,
  run_fan_out,
  with_trigger,
} from './closed_loops.js'
import { Flood, type FloodTask } from './flood.js'
import { type OpenLoopTask, run_open_loop } from './open_loop.js'
import { type ProbeTask, run_probe } from './probe.js'
import { Receipts } from './receipts.js'

/** The honest client shares the core, and should not wait for the flood there. */
const LOW_PRIORITY = 19

let group: ClientGroup | undefined
let server: CountingServer | undefined
let receipts: Receipts | undefined
let flood: Flood | undefined

handle_commands({
  // The load of a server: connections, and messages on them.
  open: async (args: Target & { count: number }) => {
    group = new ClientGroup(args)
    await group.grow_to(args.count)
  },
  grow_to: ({ count }: { count: number }) => opened().grow_to(count),
  try_echo: ({ shape }: { shape: Shape }) => opened().try_echo(shape),
  closed_loop: (args: ClosedLoopTask & { answer_bytes: number[] }) =>
    with_cpu(() => run_closed_loop(opened(), args, args.answer_bytes)),
  open_loop: (args: OpenLoopTask & { answer_bytes: number }) =>
    with_cpu(() => run_open_loop(opened(), args, args.answer_bytes)),
  fan_out: (args: FanOutTask & { trigger_port: number }) =>
    with_trigger(args.trigger_port, trigger => with_cpu(() => run_fan_out(opened(), trigger, args))),
  try_fan_out: (args: Omit<FanOutTask, 'run_ms'> & { trigger_port: number }) =>
    with_trigger(args.trigger_port, trigger => opened().try_fan_out(args, trigger)),
  expect: ({ shape }: { shape: Shape }) => {
    receipts = new Receipts(opened(), shape)
  },
  received: ({ messages }: { messages: number }) => expected().all(messages),
  receipt_times: ({ published_us, first }: { published_us: number[]; first: number }) =>
    expected().times(published_us, first),
  connect_loop: (args: Target & ConnectTask) => with_cpu(() => run_connect_loop(args, args)),
  probe: (args: ProbeTask & { answer_bytes: number }) =>
    with_cpu(() => run_probe(opened(), args, args.answer_bytes)),
  close: () => opened().close(),
  drop: () => opened().drop(),

  // Clients that flood a server, in a separate process.
  start_flood: async (args: FloodTask) => {
    setPriority(LOW_PRIORITY)
    flood = await Flood.start(args)
  },
  stop_flood: () => flood?.stop(),

  // The load of a client: a server.
  serve: ({ dialect, shape }: { dialect: Dialect; shape: Shape }) => {
    server = new CountingServer(dialect)
    server.expect(shape)
    return server.listen()
  },
  stop_serving: () => server?.close(),
  cpu: cpu_us,
})

function opened(): ClientGroup {
  if (group === undefined) throw new Error('no connections are open')
  return group
}

function expected(): Receipts {
  if (receipts === undefined) throw new Error('no messages are expected')
  return receipts
}

/** Adds the CPU time of this process to the result of a load. */
async function with_cpu<Result extends LoadResult>(
  run: () => Promise<Result>,
): Promise<Result & { load_cpu_us: number }> {
  const before = cpu_us()
  const result = await run()
  return { ...result, load_cpu_us: cpu_us() - before }
}
