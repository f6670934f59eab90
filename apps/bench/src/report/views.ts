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
      'The server echoes texts of 64 bytes over 64 connections, with 1, 8 or 32 messages under way on each; and bytes, with 32 under way.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  sizes: {
    title: 'Echo by size',
    about:
      'The server echoes texts and bytes of other sizes, over 64 connections for up to 1 KiB, 16 for 16 KiB, 4 for 256 KiB, 2 for 1 MiB. Then it echoes texts of mixed sizes in one stream, over 64 connections: 90 of 100 have 64 bytes, 9 have 1 KiB, and 1 has 64 KiB.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  tls: {
    title: 'Echo over TLS',
    about:
      'The same as echo, over TLS 1.3. The load encrypts, too, so it is the limit more often than elsewhere.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  fan_out: {
    title: 'Fan-out',
    about:
      'The server sends texts of 64 bytes to every socket, with the call that each library has for it (`server.broadcast`, a loop over `wss.clients` with one Buffer, `io.emit`, `server.publish`): one at a time, or 16 in one turn of the event loop. It sends the next when all sockets have received them. A byte on a separate TCP connection tells the server to send; reading it counts, and costs the same for all.',
    caption: 'CPU time of the server per message and socket',
    main: [CPU],
    others: [rate('deliveries/s')],
  },
  connect: {
    title: 'Connecting',
    about:
      'TCP connection, handshake, and a clean close with a Close frame in each direction, 64 at a time; for socket.io, its own handshake as well.',
    caption: 'CPU time of the server per connection, opened and closed',
    main: [CPU],
    others: [rate('connections/s')],
  },
  memory: {
    title: 'Memory',
    about:
      'How much more memory a new process takes, after garbage collection, with idle connections than without. Before that, some connections have opened and closed. What the kernel keeps for a socket does not count.',
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
      'The load sends texts of 64 bytes over 64 connections at fixed rates: 25, 50 and 75 % of the ws maximum, which is what plain `ws` answers in a second with one message under way on each connection. A random schedule, the same for all subjects, says when each message is due, as with many independent clients. Response time counts from when a message was due, so waiting is included. So is any delay of the load itself, which is listed below.',
    caption: 'Response time',
    main: [
      { figure: 'p50_us', label: 'p50', unit: 'µs' },
      { figure: 'p99_us', label: 'p99', unit: 'µs' },
      { figure: 'p999_us', label: 'p99.9', unit: 'µs' },
    ],
    others: [
      { figure: 'late_p99_us', label: 'delay of the load (p99)', unit: 'µs' },
      { figure: 'rate_per_s', label: 'rate', unit: 'messages/s' },
      { figure: 'cpu_us_per_message', label: 'CPU per message', unit: 'µs' },
    ],
  },
  many: {
    title: 'Many connections',
    about:
      'Each connection sends a text of 64 bytes a second, on average, by a random schedule that is the same for all subjects.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [
      { figure: 'p50_us', label: 'p50', unit: 'µs' },
      { figure: 'p99_us', label: 'p99', unit: 'µs' },
      { figure: 'late_p99_us', label: 'delay of the load (p99)', unit: 'µs' },
      { figure: 'cpu_share', label: 'share of a core', unit: '' },
    ],
  },
  floods: {
    title: 'Floods',
    about:
      'An honest client sends a text of 64 bytes every 5 ms, and times each echo. First it is alone; then other clients send tiny frames as fast as the server takes them, from a process with a low priority on the core of the load. Each case has a server of its own. What is not answered a second after the flood has ended counts as answered then. Servers keep the default limits. Only @bt/net has callbacks that may throw, and topics to join.',
    caption: 'Wait of the honest client',
    main: [
      { figure: 'p99_ms', label: 'p99', unit: 'ms' },
      { figure: 'worst_ms', label: 'worst', unit: 'ms' },
    ],
    others: [
      { figure: 'p50_ms', label: 'p50', unit: 'ms' },
      { figure: 'worst_added_ms', label: 'worst, above the worst alone', unit: 'ms' },
      { figure: 'unanswered', label: 'not answered', unit: '' },
      { figure: 'clients_ended', label: 'clients cut off', unit: '' },
    ],
  },
  client: {
    title: 'The client',
    about:
      'This measures clients: 64 connections, each with 1, 8 or 32 texts of 64 bytes under way, to a lightweight server that answers with ready-made frames; and texts of other sizes, over as many connections as in echo by size.',
    caption: 'CPU time of the client per message sent and echoed',
    main: [CPU],
    others: [rate('messages/s')],
  },
  compression: {
    title: 'Compression',
    about:
      'The server echoes JSON of 1 KiB, compressed in both directions (permessage-deflate without context takeover, level 6, from 1 KiB on), over 64 connections. Only subjects that can use the same settings take part.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [rate('messages/s')],
  },
  cluster: {
    title: 'From one server to another',
    about:
      'A broker joins two servers, each in its own process. One server publishes texts of 64 bytes to a topic (a room, in socket.io); all sockets are on the other server, and in that topic. The first server publishes one text at a time, or 16, either each in its own turn of the event loop or all in one turn. It publishes the next when all sockets have received them; as in fan-out, a byte on a separate TCP connection tells it to. Then it publishes 25 texts a second by a fixed schedule, the same for all subjects, without waiting for earlier ones, and each receipt is timed from when its message was published. Delays in publishing are listed separately, and are not part of these times. The two servers share a core. The broker runs on the core of the load, and its CPU time is listed separately.',
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
          { figure: 'publisher_late_p99_us', label: 'delay in publishing (p99)', unit: 'µs' },
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
