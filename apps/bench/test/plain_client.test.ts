import { describe, expect, it } from 'vitest'
import { PlainClient, WORDS } from '../src/capacity/plain_client.ts'
import { type BrokerKind, start_broker } from '../src/process/broker.ts'

describe.each<BrokerKind>(['nats', 'redis'])('a plain client of %s', kind => {
  it('hears as many bytes as it was said, and of the end of its connection', async () => {
    const { hello, subscribe, publish, message } = WORDS[kind]
    const broker = await start_broker(kind)
    const publisher = await PlainClient.open(broker.port, hello)
    const receiver = await PlainClient.open(broker.port, hello + subscribe('a'))
    const heard = receiver.hear(3 * message('a', 'text').length)
    await publisher.say(publish('a', 'text').repeat(2))
    await publisher.say(publish('a', 'text'))
    await heard
    const closed = 'the broker has closed a connection'
    const more = expect(receiver.hear(1)).rejects.toThrow(closed)
    await broker.stop()
    await more
    await expect(publisher.say(publish('a', 'text'))).rejects.toThrow(closed)
  })
})
