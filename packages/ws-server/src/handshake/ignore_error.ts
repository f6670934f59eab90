/**
 * Ignores the `error` of a socket, which `close` follows; without a listener, a reset would end the process.
 * All sockets share this function, because a closure would keep its context alive, such as the request, for
 * as long as the socket is open.
 */
export function ignore_error(): void {}
