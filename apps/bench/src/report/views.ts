import { RATE_GROUP } from '../measures/cluster.js'
import type { MeasureName } from '../results.js'

/** How a figure is shown. */
export interface FigureView {
  /** Its name in a sample. */
  readonly figure: string
  /** Its label; empty if the title of the table is enough. */
  readonly label: string
  readonly unit: string
}

/** The figures that are shown. */
export interface FigureViews {
  /** Describes the main figures. For each of them, less is better. */
  readonly caption: string
  /** The figures that are compared, and drawn in charts. */
  readonly main: readonly FigureView[]
  /** Other figures, which are only listed. */
  readonly others: readonly FigureView[]
}

/** How the results of a measure are shown. */
export interface View extends FigureViews {
  readonly title: string
  /** Explains the measure. */
  readonly about: string
  /** The figures of groups with other main figures. */
  readonly in_group?: Readonly<Record<string, FigureViews>>
}

const CPU = figure('cpu_us_per_message', '', 'µs')
const [P50, P99] = [figure('p50_us', 'p50', 'µs'), figure('p99_us', 'p99', 'µs')]
const LATE = figure('late_p99_us', 'delay of the load (p99)', 'µs')

function figure(name: string, label: string, unit: string): FigureView {
  return { figure: name, label, unit }
}

function rate(unit: string): FigureView {
  return figure('messages_per_s', '', unit)
}

/** Returns the figures that most measures show. */
function cpu_per(consumer: string, unit: string): FigureViews {
  return { caption: `CPU time of the ${consumer}`, main: [CPU], others: [rate(unit)] }
}

/** The views of all measures, in the order of the page. */
export const VIEWS: Readonly<Record<MeasureName, View>> = {
  echo: {
    title: 'Echo',
    about:
      'The server echoes texts of 64 bytes over 64 connections, with 1, 8 or 32 messages under way on each; and bytes, with 32 under way.',
    ...cpu_per('server per message', 'messages/s'),
  },
  sizes: {
    title: 'Echo by size',
    about:
      'The server echoes texts and bytes of other sizes, over 64 connections for up to 1 KiB, 16 for 16 KiB, 4 for 256 KiB, 2 for 1 MiB. Then it echoes texts of mixed sizes in one stream, over 64 connections: 90 of 100 have 64 bytes, 9 have 1 KiB, and 1 has 64 KiB.',
    ...cpu_per('server per message', 'messages/s'),
  },
  tls: {
    title: 'Echo over TLS',
    about:
      'The same as echo, over TLS 1.3. The load encrypts, too, so it is the limit more often than elsewhere.',
    ...cpu_per('server per message', 'messages/s'),
  },
  fan_out: {
    title: 'Fan-out',
    about:
      'The server sends texts of 64 bytes to every socket, with the call that each library has for it (`server.broadcast`, a loop over `wss.clients` with one Buffer, `io.emit`, `server.publish`): one at a time, or 16 in one turn of the event loop. It sends the next when all sockets have received them. A byte on a separate TCP connection tells the server to send; reading it counts, and costs the same for all.',
    ...cpu_per('server per message and socket', 'deliveries/s'),
  },
  connect: {
    title: 'Connecting',
    about:
      'TCP connection, handshake, and a clean close with a Close frame in each direction, 64 at a time; for socket.io, its own handshake as well.',
    ...cpu_per('server per connection, opened and closed', 'connections/s'),
  },
  memory: {
    title: 'Memory',
    about:
      'How much more memory a new process takes, after garbage collection, with idle connections than without. Before that, some connections have opened and closed. What the kernel keeps for a socket does not count.',
    caption: 'Memory per idle connection',
    main: [
      figure('heap_bytes_per_connection', 'heap', 'bytes'),
      figure('rss_bytes_per_connection', 'resident', 'bytes'),
    ],
    others: [],
  },
  latency: {
    title: 'Latency',
    about:
      'The load sends texts of 64 bytes over 64 connections at fixed rates: 25, 50 and 75 % of the ws maximum, which is what plain `ws` answers in a second with one message under way on each connection. A random schedule, the same for all subjects, says when each message is due, as with many independent clients. Response time counts from when a message was due, so waiting is included. So is any delay of the load itself, which is listed below.',
    caption: 'Response time',
    main: [P50, P99, figure('p999_us', 'p99.9', 'µs')],
    others: [
      LATE,
      figure('rate_per_s', 'rate', 'messages/s'),
      figure('cpu_us_per_message', 'CPU per message', 'µs'),
    ],
  },
  many: {
    title: 'Many connections',
    about:
      'Each connection sends a text of 64 bytes a second, on average, by a random schedule that is the same for all subjects.',
    caption: 'CPU time of the server per message',
    main: [CPU],
    others: [P50, P99, LATE, figure('cpu_share', 'share of a core', '')],
  },
  floods: {
    title: 'Floods',
    about:
      'An honest client sends a text of 64 bytes every 5 ms, and times each echo. First it is alone; then other clients send tiny frames as fast as the server takes them, from a process with a low priority on the core of the load. Each case has a server of its own. What is not answered a second after the flood has ended counts as answered then. Servers keep the default limits. Only @bt/net has callbacks that may throw, and topics to join.',
    caption: 'Wait of the honest client',
    main: [figure('p99_ms', 'p99', 'ms'), figure('worst_ms', 'worst', 'ms')],
    others: [
      figure('p50_ms', 'p50', 'ms'),
      figure('worst_added_ms', 'worst, above the worst alone', 'ms'),
      figure('unanswered', 'not answered', ''),
      figure('clients_ended', 'clients cut off', ''),
    ],
  },
  client: {
    title: 'The client',
    about:
      'This measures clients: 64 connections, each with 1, 8 or 32 texts of 64 bytes under way, to a lightweight server that answers with ready-made frames; and texts of other sizes, over as many connections as in echo by size.',
    ...cpu_per('client per message sent and echoed', 'messages/s'),
  },
  compression: {
    title: 'Compression',
    about:
      'The server echoes JSON of 1 KiB, compressed in both directions (permessage-deflate without context takeover, level 6, from 1 KiB on), over 64 connections. Only subjects that can use the same settings take part.',
    ...cpu_per('server per message', 'messages/s'),
  },
  cluster: {
    title: 'From one server to another',
    about:
      'A broker joins two servers, each in its own process. One server publishes texts of 64 bytes to a topic (a room, in socket.io); all sockets are on the other server, and in that topic. The first server publishes one text at a time, or 16, either each in its own turn of the event loop or all in one turn. It publishes the next when all sockets have received them; as in fan-out, a byte on a separate TCP connection tells it to. Then it publishes 25 texts a second by a fixed schedule, the same for all subjects, without waiting for earlier ones, and each receipt is timed from when its message was published. Delays in publishing are listed separately, and are not part of these times. The two servers share a core. The broker runs on the core of the load, and its CPU time is listed separately.',
    caption: 'CPU time of both servers per message and socket',
    main: [CPU],
    others: [
      rate('deliveries/s'),
      figure('publisher_us_per_publish', 'publishing server, per message', 'µs'),
      figure('broker_us_per_publish', 'broker, per message', 'µs'),
    ],
    in_group: {
      [RATE_GROUP]: {
        caption: 'Time from publishing to receipt',
        main: [P50, P99],
        others: [
          figure('publisher_late_p99_us', 'delay in publishing (p99)', 'µs'),
          figure('cpu_us_per_message', 'CPU per message and socket', 'µs'),
        ],
      },
    },
  },
}

/** Returns the figures that are shown for a group of a measure. */
export function figures_shown(measure: MeasureName, group: string): FigureViews {
  const view = VIEWS[measure]
  return view.in_group?.[group] ?? view
}
