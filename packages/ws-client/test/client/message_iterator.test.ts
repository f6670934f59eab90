import { describe, expect, it } from 'vitest'
import { MessageIterator } from '../../src/client/message_iterator.js'

/** An iterator over messages that wait in a list, as a client's wait in its inbox. */
function iterator_over(waiting: string[]): MessageIterator<string> {
  let is_asking = false
  const iterator: MessageIterator<string> = new MessageIterator(
    asks => {
      is_asking = asks
      while (is_asking && waiting.length > 0) iterator.push(waiting.shift() as string)
      return waiting.length
    },
    () => {},
  )
  return iterator
}

describe('MessageIterator', () => {
  it('takes a message only on request', async () => {
    const waiting = ['a', 'b']
    const iterator = iterator_over(waiting)
    expect(await iterator.next()).toEqual({ value: 'a', done: false })
    expect(waiting).toEqual(['b'])
  })

  it('waits for the next message', async () => {
    const iterator = iterator_over([])
    const asked = [iterator.next(), iterator.next()]
    iterator.push('a')
    iterator.push('b')
    expect(await Promise.all(asked)).toEqual([
      { value: 'a', done: false },
      { value: 'b', done: false },
    ])
  })

  it('yields waiting messages before it is done', async () => {
    const iterator = iterator_over(['a'])
    iterator.end(undefined)
    expect(await iterator.next()).toEqual({ value: 'a', done: false })
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  it('is not done while a message waits for a later turn', async () => {
    let waiting = 1
    const iterator = new MessageIterator<string>(
      () => waiting,
      () => {},
    )
    const asked = [iterator.next(), iterator.next()]
    iterator.end(undefined)
    waiting = 0
    iterator.push('a')
    iterator.end(undefined)
    expect(await Promise.all(asked)).toEqual([
      { value: 'a', done: false },
      { value: undefined, done: true },
    ])
  })

  it('ends a pending request when the connection ends', async () => {
    const iterator = iterator_over([])
    const asked = iterator.next()
    iterator.end(undefined)
    expect(await asked).toEqual({ value: undefined, done: true })
  })

  it('throws once if the end was an error, and is done after that', async () => {
    const iterator = iterator_over([])
    const asked = [iterator.next(), iterator.next()]
    iterator.end(new Error('lost'))
    await expect(asked[0]).rejects.toThrow('lost')
    await expect(asked[1]).resolves.toEqual({ value: undefined, done: true })
    await expect(iterator.next()).resolves.toEqual({ value: undefined, done: true })
  })

  it('throws for a request after the end', async () => {
    const iterator = iterator_over([])
    iterator.end(new Error('lost'))
    await expect(iterator.next()).rejects.toThrow('lost')
  })

  it('stops at once when another consumer takes the messages', async () => {
    const iterator = iterator_over([])
    const asked = iterator.next()
    iterator.stop()
    expect(await asked).toEqual({ value: undefined, done: true })
    iterator.end(new Error('lost'))
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  it('is done once it is left, even if messages wait', async () => {
    const waiting = ['a']
    const iterator = iterator_over(waiting)
    await iterator.return()
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    expect(waiting).toEqual(['a'])
  })
})
