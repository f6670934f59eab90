/** RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK_HOST = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Whether a host, as written in a URL (an IPv6 address in brackets), is the local machine. */
export function is_loopback_host(host: string): boolean {
  return LOOPBACK_HOST.test(host)
}
