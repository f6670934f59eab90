import fc from 'fast-check'

/** One change to some bytes: at a place from 0 to 1, so many of them are replaced. */
interface Change {
  readonly place: number
  readonly removed: number
  readonly added: Uint8Array
}

const ANY_BYTES = fc.uint8Array({ maxLength: 8 })

/** A few changes; `words` are what is put in besides any bytes. */
export function changes(words: readonly string[]): fc.Arbitrary<Change[]> {
  const word = fc.constantFrom(...words).map(text => Uint8Array.from(Buffer.from(text, 'latin1')))
  const change = fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(200) }),
    added: fc.oneof(ANY_BYTES, word),
  })
  return fc.array(change, { maxLength: 4 })
}

export function changed(bytes: Buffer, made: readonly Change[]): Buffer {
  return made.reduce<Buffer>((before, { place, removed, added }) => {
    const at = Math.round(place * before.length)
    return Buffer.concat([before.subarray(0, at), added, before.subarray(at + removed)])
  }, bytes)
}

/** Where to cut bytes into segments; as a rule nowhere. */
export const cuts: fc.Arbitrary<{ readonly cuts: readonly number[] }> = fc
  .array(fc.nat(400), { maxLength: 5 })
  .map(places => ({ cuts: places.sort((a, b) => a - b) }))
