import type { TlsIdentity, TlsTrust } from '@bt/ws-protocol'

/** Settings of TLS in Node, for a `wss:` URL, all read when `connect` is called. */
export interface TlsConnectOptions extends Partial<TlsIdentity>, TlsTrust {
  /**
   * The host name to ask the server for (SNI, RFC 6066 §3), which its certificate has to match. @defaultValue
   * the host of the URL; an IP address is not asked for, but the certificate has to contain it
   */
  readonly servername?: string | undefined
  /**
   * Whether the server has to prove its identity. With `false`, an attacker in between can pretend to be the
   * server, and read and change everything, including headers and tokens: only for trials on your own
   * machine. For a certificate of your own, set `ca` instead. @defaultValue `true`
   */
  readonly reject_unauthorized?: boolean | undefined
}
