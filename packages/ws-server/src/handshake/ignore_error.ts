/**
 * Ignores a socket's `error`: `close` follows it. Registered first, or a reset would end the process. It is one function for all sockets: a
 * closure would keep alive what is at hand where it is made, such as the request, for as long as the socket.
 */
export function ignore_error(): void {}
