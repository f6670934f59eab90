import type { GuestAccount } from './guests.js'
import type { ServerLife } from './life.js'

/** What became of the messages of all who came. */
export interface Account {
  /** Messages that `send` took, of both directions. */
  taken: number
  received: number
  /** Those that `send` gave back as an error. */
  refused: number
  /** Lost with a connection that did not end in order, which its close said. */
  lost_with_a_close: number
  /** Of those, what `unsent` counted on our side. */
  unsent: number
  /** What nothing explains: each with its words. */
  readonly unexplained: string[]
}

/** Compares what each side says, once all have left. */
export function audit(
  guests: readonly { guest: GuestAccount; is_clean: boolean }[],
  lives: readonly ServerLife[],
): Account {
  const account: Account = {
    taken: 0,
    received: 0,
    refused: 0,
    lost_with_a_close: 0,
    unsent: 0,
    unexplained: [],
  }
  const by_client = new Map<number, ServerLife[]>()
  for (const life of lives) {
    const known = by_client.get(life.client)
    if (known === undefined) by_client.set(life.client, [life])
    else known.push(life)
  }
  for (const { guest, is_clean } of guests) {
    const own = (by_client.get(guest.id) ?? []).sort((a, b) => a.life - b.life)
    audit_sent(account, guest, own, is_clean)
    audit_received(account, guest, own)
  }
  return account
}

/** From the client to the server. */
function audit_sent(
  account: Account,
  guest: GuestAccount,
  lives: readonly ServerLife[],
  is_clean: boolean,
): void {
  const wrong = (what: string): number => account.unexplained.push(`client ${guest.id}: ${what}`)
  let last = -1
  let received = 0
  for (const life of lives) {
    if (life.out_of_order > 0) wrong(`${life.out_of_order} messages out of order at the server`)
    if (life.first === -1) continue
    if (life.first <= last) wrong(`message ${life.first} came twice, or late`)
    received += life.last - life.first + 1
    last = life.last
  }
  account.taken += guest.taken
  account.received += received
  account.refused += guest.refused
  account.unsent += guest.unsent
  account.lost_with_a_close += guest.taken - received
  const end = lives.at(-1)
  const has_to_be_whole = is_clean && guest.had_to_send && end?.info?.cause === 'peer' && end.info.clean
  if (has_to_be_whole && last !== guest.taken - 1)
    wrong(`left in order, and ${guest.taken - 1 - last} are missing`)
  const breaks = lives.length + guest.returns - 1
  if (breaks === 0 && has_to_be_whole && received !== guest.taken)
    wrong(`${guest.taken - received} are missing`)
  if (breaks === 0 && received > 0 && lives.find(({ first }) => first !== -1)?.first !== 0)
    wrong('its first messages are missing')
}

/** From the server to the client, connection by connection. */
function audit_received(account: Account, guest: GuestAccount, lives: readonly ServerLife[]): void {
  for (const [index, life] of lives.entries()) {
    const wrong = (what: string): number =>
      account.unexplained.push(`client ${guest.id}, connection ${life.life}: ${what}`)
    const seen = guest.lives.get(life.life) ?? { received: 0, out_of_order: 0 }
    if (seen.out_of_order > 0) wrong(`${seen.out_of_order} messages out of order at the client`)
    if (seen.received > life.taken) wrong(`${seen.received} came of ${life.taken}`)
    account.taken += life.taken
    account.received += seen.received
    account.refused += life.refused
    account.unsent += life.info?.unsent ?? 0
    account.lost_with_a_close += life.taken - seen.received
    const is_left = guest.is_leaving && index === lives.length - 1
    const has_to_be_whole = life.is_closed_here && life.info?.clean === true && !is_left
    if (has_to_be_whole && seen.received !== life.taken) wrong(`${life.taken - seen.received} are missing`)
  }
}
