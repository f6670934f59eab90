// Runs a client in its own process: `node client_process.js OPTIONS`, with options as JSON. Commands and
// events go over the IPC channel.
import { closeSync, openSync } from 'node:fs'
import * as net from '@bt/net'
import { jump_clock } from './jumping_clock.js'
import { type ClientCommand, report } from './process_messages.js'

const options = JSON.parse(process.argv[2] ?? '{}')
let ws: net.WsClient | undefined

function connect(): void {
  ws = net.connect({
    ...options,
    on_open: () => report({ event: 'open', id: '' }),
    on_message: (data: string) => report({ event: 'message', id: '', data }),
    on_close: (info: net.CloseInfo) => report({ event: 'close', id: '', info }),
    on_error: (error: net.NetError) => report({ event: 'error', code: error.code, message: error.message }),
    on_reconnecting: ({ attempt, delay_ms, info, error }: net.ReconnectInfo) =>
      report({ event: 'reconnecting', attempt, delay_ms, info, code: error?.code }),
  })
}

const descriptors: number[] = []

// The process ends with the test that started it.
process.on('disconnect', () => process.exit())
process.on('message', (command: ClientCommand) => {
  switch (command.command) {
    case 'connect':
      return connect()
    case 'send':
      for (let index = command.from; index < command.to; index += 1) {
        const result = ws?.send(`${index} `.padEnd(command.size, 'x'))
        if (result !== true) report({ event: 'error', code: result?.code ?? '', message: `at ${index}` })
      }
      return report({ event: 'sent', rejected: 0, queued: ws?.queued ?? 0 })
    case 'exhaust_descriptors':
      try {
        for (;;) descriptors.push(openSync('/dev/null', 'r'))
      } catch {
        return
      }
    case 'release_descriptors':
      for (const descriptor of descriptors.splice(0)) closeSync(descriptor)
      return
    case 'jump_clock':
      return jump_clock(command.interval_ms)
  }
})

report({ event: 'listening', addr: '' })
