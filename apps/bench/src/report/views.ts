import type { MeasureName } from '../measures/measure.js'
import { RATE_GROUP } from '../measures/receipt_times.js'

/** How a figure is shown. */
export interface FigureView {
  /** Its name in a sample. */
  readonly figure: string
  /** What it is called; empty where the table's title says it. */
  readonly label: string
  readonly unit: string
}

/** Which figures are shown. */
export interface FigureViews {
  /** What the figures that count are: of each, the less the better. */
  readonly caption: string
  /** The figures that count: they are compared and drawn. */
  readonly main: readonly FigureView[]
  /** Others, that are told as well. */
  readonly others: readonly FigureView[]
}

/** How what a measure gave is shown. */
export interface View extends FigureViews {
  readonly title: string
  /** What was done, and what to know of it. */
  readonly about: string
  /** Other figures, for groups of which others count. */
  readonly in_group?: Readonly<Record<string, FigureViews>>
}

const CPU: FigureView = { figure: 'cpu_us_per_message', label: '', unit: 'µs' }

function rate(unit: string): FigureView {
  return { figure: 'messages_per_s', label: '', unit }
}

/** How each measure is shown, in the order in which they are. */
export const VIEWS: Readonly<Record<MeasureName, View>> = {
  echo: {
    title: 'Echo',
    about:
      'Text of 64 bytes comes and goes back, over 64 connections, with 1, 8 or 32 messages under way on each; and bytes, with 32.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  sizes: {
    title: 'Echo by size',
    about:
      'Text of other sizes, with 1 or 8 messages under way on each connection: 64 connections up to 1 KiB, 16 at 16 KiB, 2 at 1 MiB.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  fan_out: {
    title: 'Fan-out',
    about:
      'One text of 64 bytes is sent to every socket, by what each library has for it (`server.broadcast`, a loop over `wss.clients` with one Buffer, `io.emit`, `server.publish`): alone, or 16 in one turn of the event loop. The next come when all have got them. A byte on a TCP connection beside tells the server to send; what it takes to hear that is counted, and is the same for all.',
    caption: 'CPU time of the server per message and socket',
    main: [CPU],
    others: [rate('deliveries/s')],
  },
  connect: {
    title: 'Connecting',
    about:
      'TCP connection, handshake, and closing in order with a Close frame each way, 64 at a time; of socket.io, its own handshake as well.',
    caption: 'CPU time of the server per connection, opened and closed',
    main: [CPU],
    others: [rate('connections/s')],
  },
  memory: {
    title: 'Memory',
    about:
      'What a new process has more, after garbage collection, when it holds connections on which nothing happens. Before that, some have come and gone. What the kernel keeps for a socket is not in it.',
    caption: 'Memory per idle connection',
    main: [
      { figure: 'heap_bytes_per_connection', label: 'heap', unit: 'bytes' },
      { figure: 'rss_bytes_per_connection', label: 'resident', unit: 'bytes' },
    ],
    others: [],
  },
  latency: {
    title: 'Latency',
    about:
      'Text of 64 bytes is sent over 64 connections at fixed rates: 25, 50 and 75 % of what plain `ws` answers a second with one message under way on each. When each is due is drawn beforehand, the same for all, as if many clients sent that know nothing of each other. An answer is timed from when its message was due, so what had to wait is not spared. The load sends late as well; how late is told below, and is part of the times.',
    caption: 'Time until the answer',
    main: [
      { figure: 'p50_us', label: 'p50', unit: 'µs' },
      { figure: 'p99_us', label: 'p99', unit: 'µs' },
      { figure: 'p999_us', label: 'p99.9', unit: 'µs' },
    ],
    others: [
      { figure: 'late_p99_us', label: 'load late by (p99)', unit: 'µs' },
      { figure: 'rate_per_s', label: 'rate', unit: 'messages/s' },
      { figure: 'cpu_us_per_message', label: 'CPU per message', unit: 'µs' },
    ],
  },
  client: {
    title: 'The client',
    about:
      'What is measured is the client: 64 connections, each with 1, 8 or 32 texts of 64 bytes under way, to a light server that answers with ready-made frames.',
    caption: 'CPU time of the client per message there and back',
    main: [CPU],
    others: [rate('messages/s')],
  },
  compression: {
    title: 'Compression',
    about:
      'JSON of 1 KiB, compressed both ways (permessage-deflate without context takeover, level 6, from 1 KiB on), over 64 connections. Only those are here that can be told the same settings.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  cluster: {
    title: 'From one server to another',
    about:
      'Two servers, each a process of its own, are joined by a broker. One text of 64 bytes is published on the one, alone, or 16 one after the other, each in a turn of the event loop or all in one, to a topic (a room, in socket.io) that every socket is in, all of them on the other. The next come when all have got them, and a byte on a TCP connection beside tells the server to publish, as in fan-out. Then such texts are published 25 times a second, by a schedule that is the same for all, whatever became of those before, and each receipt of each socket is timed from when its message was published. How late messages were published, by the schedule, is told beside, and is no part of the times. The two servers share a core; the broker has that of the load, and what it takes is told apart.',
    caption: 'CPU time of both servers per message and socket',
    main: [CPU],
    others: [
      rate('deliveries/s'),
      { figure: 'publisher_us_per_publish', label: 'publishing server, per message', unit: 'µs' },
      { figure: 'broker_us_per_publish', label: 'broker, per message', unit: 'µs' },
    ],
    in_group: {
      [RATE_GROUP]: {
        caption: 'Time from publishing to receipt',
        main: [
          { figure: 'p50_us', label: 'p50', unit: 'µs' },
          { figure: 'p99_us', label: 'p99', unit: 'µs' },
        ],
        others: [
          { figure: 'publisher_late_p99_us', label: 'published late by (p99)', unit: 'µs' },
          { figure: 'cpu_us_per_message', label: 'CPU per message and socket', unit: 'µs' },
        ],
      },
    },
  },
}

/** What is shown of a group of cases of a measure. */
export function figures_shown(measure: MeasureName, group: string): FigureViews {
  const view = VIEWS[measure]
  return view.in_group?.[group] ?? view
}
