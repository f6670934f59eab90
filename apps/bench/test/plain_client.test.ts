import { expect, it } from 'vitest'
import { PlainClient, WORDS } from '../src/capacity/plain_client.ts'
import { broker_is_missing, broker_program, start_broker } from '../src/process/broker.ts'

it.each(['nats', 'redis'] as const)(
  'a plain client of %s hears as many bytes as are told beforehand, and of the end',
  async kind => {
    if (broker_program(kind) === undefined) throw new Error(broker_is_missing(kind))
    const { hello, subscribe, publish, message } = WORDS[kind]
    const broker = await start_broker(kind)
    const publisher = await PlainClient.open(broker.port, hello)
    const receiver = await PlainClient.open(broker.port, hello + subscribe('a'))
    const heard = receiver.hear(3 * message('a', 'text').length)
    await publisher.say(publish('a', 'text').repeat(2))
    await publisher.say(publish('a', 'text'))
    await heard
    const more = expect(receiver.hear(1)).rejects.toThrow('the broker has closed a connection')
    await broker.stop()
    await more
    await expect(publisher.say(publish('a', 'text'))).rejects.toThrow('the broker has closed a connection')
  },
)
