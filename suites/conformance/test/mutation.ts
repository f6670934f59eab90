import fc from 'fast-check'

/** One change to a buffer. */
interface Mutation {
  /** Where it is, from 0 (the start) to 1 (the end). */
  readonly position: number
  readonly removed: number
  readonly added: Uint8Array
}

const ANY_BYTES = fc.uint8Array({ maxLength: 8 })

/** Returns an arbitrary with up to four mutations, which insert random bytes or one of `words`. */
export function arbitrary_mutations(words: readonly string[]): fc.Arbitrary<Mutation[]> {
  const word = fc.constantFrom(...words).map(text => Uint8Array.from(Buffer.from(text, 'latin1')))
  const mutation = fc.record({
    position: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(200) }),
    added: fc.oneof(ANY_BYTES, word),
  })
  return fc.array(mutation, { maxLength: 4 })
}

export function mutate(bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce<Buffer>((before, { position, removed, added }) => {
    const at = Math.round(position * before.length)
    return Buffer.concat([before.subarray(0, at), added, before.subarray(at + removed)])
  }, bytes)
}

/** Where bytes are cut into segments; often nowhere, because positions beyond the end do not count. */
export const cuts: fc.Arbitrary<{ readonly cuts: readonly number[] }> = fc
  .array(fc.nat(400), { maxLength: 5 })
  .map(positions => ({ cuts: positions.sort((a, b) => a - b) }))
