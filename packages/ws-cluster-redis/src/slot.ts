/** The number of slots of a Redis Cluster. */
export const SLOTS = 16_384

/** The CRC-16/XMODEM of each byte. */
const CRC: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)
  return crc
})

/**
 * Returns the slot of a channel. Only the text between the first `{` and the next `}` counts, unless it is
 * empty (Redis Cluster Specification, "Hash tags").
 */
export function slot_of(channel: string): number {
  const begin = channel.indexOf('{')
  const end = begin < 0 ? -1 : channel.indexOf('}', begin)
  const hashed = end > begin + 1 ? channel.slice(begin + 1, end) : channel
  let crc = 0
  for (const byte of Buffer.from(hashed)) crc = (crc << 8) ^ (CRC[((crc >> 8) ^ byte) & 0xff] ?? 0)
  return crc & (SLOTS - 1)
}

/** Finds a channel whose slot is accepted. */
export function find_channel(is_accepted: (slot: number) => boolean): string {
  for (let number = 0; ; number += 1) {
    const channel = `idle.${number}`
    if (is_accepted(slot_of(channel))) return channel
  }
}
