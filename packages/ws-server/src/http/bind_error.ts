import { NetError, type NetErrorCode } from '@bt/ws-protocol'
import { error_text, type SystemError } from '@bt/ws-protocol/internal/node'
import type { BindAddress } from './bind_address.js'

/** Explains why a server could not listen. */
export function bind_error(bind: string, address: BindAddress, cause: Error): NetError {
  const [code, advice] = diagnosis(address, cause)
  return new NetError(code, `listen: cannot bind ${bind}: ${advice}`, { cause })
}

function diagnosis(address: BindAddress, cause: SystemError): [NetErrorCode, string] {
  switch (cause.code) {
    case 'EADDRINUSE':
      return address.kind === 'unix'
        ? [
            'address_in_use',
            'the file exists; stop the server that made it, or remove the file if there is none any more',
          ]
        : [
            'address_in_use',
            'the port is in use; stop the other server, or bind another port (port 0 takes a free one)',
          ]
    case 'EACCES':
    case 'EPERM':
      return address.kind === 'unix'
        ? [
            'permission_denied',
            'there is no such directory, or this user may not make a file in it; make it, or choose another directory',
          ]
        : ['permission_denied', 'this user may not take that port; choose one from 1024 on']
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return [
        'address_unavailable',
        'this machine has no such address; use 127.0.0.1, or 0.0.0.0 for every interface',
      ]
    case 'EAI_AGAIN':
      return ['address_unavailable', 'the DNS does not answer; check it, or bind an IP address']
    case 'EMFILE':
    case 'ENFILE':
      return ['address_unavailable', 'no file descriptor is left; raise the limit (ulimit -n)']
    default:
      return ['address_unavailable', error_text(cause)]
  }
}
