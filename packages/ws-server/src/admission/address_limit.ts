import type { Duplex } from 'node:stream'

const GROUPS = 8
const EMBEDDED_IPV4 = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/
const IPV4_MAPPED = 0xffff

/**
 * Returns what counts as one address: an IPv4 address, even if it is mapped into IPv6 (RFC 4291 §2.5.5.2), or
 * the /64 of an IPv6 address, the smallest prefix that a customer gets (RFC 6177 §2).
 */
export function address_group(ip: string): string {
  if (!ip.includes(':')) return ip
  const groups = ipv6_groups(ip)
  const is_mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === IPV4_MAPPED
  if (is_mapped) return groups.slice(6).flatMap(high_and_low).join('.')
  const prefix = groups.slice(0, 4).map(group => group.toString(16))
  return `${prefix.join(':')}::/64`
}

function high_and_low(group: number): [number, number] {
  return [group >> 8, group & 0xff]
}

/** Parses the eight groups of an IPv6 address (RFC 4291 §2.2), without its zone (RFC 4007 §11). */
function ipv6_groups(ip: string): number[] {
  const [address = ''] = ip.split('%', 1)
  const hex = address.replace(EMBEDDED_IPV4, (_all, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map(group => group.toString(16)).join(':'),
  )
  const [start = [], end] = hex.split('::').map(half => (half === '' ? [] : half.split(':')))
  const missing = end === undefined ? 0 : GROUPS - start.length - end.length
  const groups = [...start, ...Array<string>(missing).fill('0'), ...(end ?? [])]
  return groups.map(group => Number.parseInt(group, 16))
}

/** Counts by name. A name whose count is 0 takes no memory. */
export class Counts {
  readonly #counts = new Map<string, number>()

  /** The number of names with a count above 0. */
  get size(): number {
    return this.#counts.size
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1)
  }

  remove(name: string): void {
    const count = this.of(name) - 1
    if (count > 0) this.#counts.set(name, count)
    else this.#counts.delete(name)
  }
}

/** Limits the number of open sockets from one address. */
export class AddressLimit {
  readonly #max: number
  readonly #counts = new Counts()
  readonly #names = new Map<Duplex, string>()
  /** One function for all sockets, which saves a closure for each. */
  readonly #on_close: (this: Duplex) => void

  constructor(max: number) {
    this.#max = max
    const [counts, names] = [this.#counts, this.#names]
    this.#on_close = function (this: Duplex): void {
      counts.remove(String(names.get(this)))
      names.delete(this)
    }
  }

  /** The number of addresses with sockets. */
  get size(): number {
    return this.#counts.size
  }

  /** Returns whether another socket from this address would exceed the limit. */
  is_full(ip: string): boolean {
    return this.#counts.of(address_group(ip)) >= this.#max
  }

  /** Counts a socket until it closes. */
  count(stream: Duplex, ip: string): void {
    const name = address_group(ip)
    this.#counts.add(name)
    this.#names.set(stream, name)
    stream.on('close', this.#on_close)
  }
}
