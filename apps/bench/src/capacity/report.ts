import { shown } from '../report/numbers.js'
import { type Table, text_of } from '../report/table.js'
import type { BrokerCapacity, Capacity } from './capacity.js'
import { LOADS } from './model.js'

/** A column: its name, and what stands in it. */
type Column<Row> = readonly [string, (row: Row) => number]

/** All of a run as plain text. */
export function capacity_text({ date, machine, notes, brokers, unwanted }: Capacity): string {
  const { cpu, cores, kernel, node } = machine
  return [
    ...brokers.flatMap(broker => [broker.label.toUpperCase(), ...tables_of(broker).map(text_of)]),
    text_of(
      table('What messages cost a node on which no socket wants them', unwanted, row => row.label, [
        ['messages', row => row.messages],
        ['bytes received', row => row.heard_bytes],
        ['CPU of the node, µs each', row => row.node_us / row.messages],
      ]),
    ),
    [
      `${date.slice(0, 10)}, ${cpu}, ${cores} cores, ${kernel}, Node ${node}.`,
      ...brokers.map(({ label, version }) => `${label} ${version}`),
      ...notes.map(note => `! ${note}`),
    ].join('\n'),
  ].join('\n\n')
}

function tables_of({ costs, shared, presence, subscriptions, sockets }: BrokerCapacity): Table[] {
  const { messages, relay, model } = costs
  return [
    table(
      'CPU time of one message, µs, and its bytes at the broker',
      messages,
      row => `${row.load}, to ${row.audience} on ${row.receivers} nodes`,
      [
        ['a second', row => row.messages_per_s],
        ['publishing node', row => row.publisher_us],
        ['receiving node', row => row.receiver_us],
        ['broker', row => row.broker_us],
        ['bytes in', row => row.broker_in_bytes],
        ['bytes out', row => row.broker_out_bytes],
      ],
    ),
    table(
      'CPU time of a broker per message, µs, between minimal clients',
      relay,
      row => `${row.load}, to ${row.receivers}`,
      [['broker', row => row.broker_us]],
    ),
    table('The model, CPU time in µs', LOADS, load => load, [
      ['publish', load => model[load].us_per_publish],
      ['heard', load => model[load].us_per_heard],
      ['delivery', load => model[load].us_per_delivery],
      ['idle node, a second', load => model[load].idle_us_per_s],
      ['broker, in', load => model[load].broker_us_in],
      ['broker, out', load => model[load].broker_us_out],
    ]),
    table(
      'The same work on several nodes',
      shared,
      row => `${row.nodes} nodes, ${row.messages_per_s} a second`,
      [
        ['publishes', row => row.publishes],
        ['heard', row => row.heard],
        ['deliveries', row => row.deliveries],
        ['CPU of nodes, ms', row => row.node_us / 1000],
        ['model, lone', row => row.node_by_model_us.lone / 1000],
        ['model, busy', row => row.node_by_model_us.busy / 1000],
        ['CPU of broker, ms', row => row.broker_us / 1000],
        ['model, lone', row => row.broker_by_model_us.lone / 1000],
        ['model, busy', row => row.broker_by_model_us.busy / 1000],
        ['bytes in', row => row.broker_in_bytes],
        ['bytes out', row => row.broker_out_bytes],
      ],
    ),
    table('Idle nodes, per second', presence, row => `${row.nodes} nodes`, [
      ['CPU of each, µs', row => row.node_us],
      ['CPU of the broker, µs', row => row.broker_us],
      ['bytes in', row => row.broker_in_bytes],
      ['bytes out', row => row.broker_out_bytes],
    ]),
    table('A subscription', subscriptions, row => `of ${row.topics.toLocaleString('en')}`, [
      ["node's heap, bytes", row => row.node_heap_bytes],
      ["node's memory, bytes", row => row.node_rss_bytes],
      ["broker's memory, bytes", row => row.broker_rss_bytes],
      ['CPU of the node, µs', row => row.node_us],
      ['CPU of the broker, µs', row => row.broker_us],
    ]),
    table('An idle socket, bytes', sockets, row => `in ${row.joined}`, [
      ['heap', row => row.heap_bytes],
      ['resident', row => row.rss_bytes],
    ]),
  ]
}

function table<Row>(
  title: string,
  rows: readonly Row[],
  name: (row: Row) => string,
  columns: readonly Column<Row>[],
): Table {
  return {
    title,
    columns: columns.map(([column]) => column),
    rows: rows.map(row => ({ name: name(row), cells: columns.map(([, value]) => shown(value(row))) })),
  }
}
