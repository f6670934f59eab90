import * as ws from 'ws'

/** The permessage-deflate of `ws`, which its types leave out. */
export interface WsDeflate {
  offer(): object
  accept(configurations: object[]): unknown
  compress(data: Uint8Array, fin: boolean, done: (error: Error | null, data: Buffer) => void): void
  decompress(data: Uint8Array, fin: boolean, done: (error: Error | null, data: Buffer) => void): void
  cleanup(): void
}

interface WsExports {
  readonly PerMessageDeflate: new (options: object) => WsDeflate
  readonly extension: {
    parse(header: string): { 'permessage-deflate': object[] }
    format(extensions: object): string
  }
}

const { PerMessageDeflate, extension } = ws as unknown as WsExports

export function ws_deflate(options: object): WsDeflate {
  return new PerMessageDeflate(options)
}

/** Returns a peer with the parameters in the header. */
export function ws_deflate_agreed(side: 'client' | 'server', header: string): WsDeflate {
  const peer = new PerMessageDeflate({ isServer: side === 'server', threshold: 0 })
  peer.accept(extension.parse(header)['permessage-deflate'])
  return peer
}

export function format_offer(offer: object): string {
  return extension.format({ 'permessage-deflate': [offer] })
}
