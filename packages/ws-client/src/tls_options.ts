import type { TlsIdentity, TlsTrust } from '@bt/ws-protocol'

/** TLS of a client in Node, for a `wss:` URL. All of it is read when `connect` is called. */
export interface TlsConnectOptions extends Partial<TlsIdentity>, TlsTrust {
  /**
   * The host name that the server is asked for (SNI, RFC 6066 §3), and that its certificate has to be for. @defaultValue the host of the
   * URL; an IP address is not asked for, and has to be in the certificate as such
   */
  readonly servername?: string | undefined
  /**
   * Whether the server has to prove who it is. With `false`, anybody on the way can pretend to be the server, read everything, headers
   * and tokens too, and change it: for a trial on one's own machine, and never for more. For a certificate of one's own, give `ca`
   * instead. @defaultValue `true`
   */
  readonly reject_unauthorized?: boolean | undefined
}
