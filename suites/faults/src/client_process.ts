// A client in a process of its own: `node client_process.js OPTIONS`, with a JSON of numbers and strings; all else goes over the channel of `fork`.
import { closeSync, openSync } from 'node:fs'
import * as net from '@bt/net'
import { jump_clock } from './jumping_clock.js'
import { type ClientOrder, tell } from './process_words.js'

const options = JSON.parse(process.argv[2] ?? '{}')
let ws: net.WsClient | undefined

function connect(): void {
  ws = net.connect({
    ...options,
    on_open: () => tell({ event: 'open', id: '' }),
    on_message: (data: string) => tell({ event: 'message', id: '', data }),
    on_close: (info: net.CloseInfo) => tell({ event: 'close', id: '', info }),
    on_error: (error: net.NetError) => tell({ event: 'error', code: error.code, message: error.message }),
    on_reconnecting: ({ attempt, delay_ms, info, error }: net.ReconnectInfo) =>
      tell({ event: 'reconnecting', attempt, delay_ms, info, code: error?.code }),
  })
}

const taken: number[] = []

// A test that has ended leaves nobody behind.
process.on('disconnect', () => process.exit())
process.on('message', (order: ClientOrder) => {
  switch (order.do) {
    case 'connect':
      return connect()
    case 'send':
      for (let index = order.from; index < order.to; index += 1) {
        const result = ws?.send(`${index} `.padEnd(order.size, 'x'))
        if (result !== true) tell({ event: 'error', code: result?.code ?? '', message: `at ${index}` })
      }
      return tell({ event: 'sent', full: 0, queued: ws?.queued ?? 0 })
    case 'take_descriptors':
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'))
      } catch {
        return
      }
    case 'give_descriptors':
      for (const descriptor of taken.splice(0)) closeSync(descriptor)
      return
    case 'jump_clock':
      return jump_clock(order.every_ms)
  }
})

tell({ event: 'listening', addr: '' })
