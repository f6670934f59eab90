// The clients in a page, which the owner of the page starts and ends by the global `ledger`.
import type { ClientRecord } from './ledger.js'
import { LedgerClient, type LedgerClientSettings } from './ledger_client.js'

const clients = new Map<string, LedgerClient>()

function client_of(id: string): LedgerClient {
  const client = clients.get(id)
  if (client === undefined) throw new Error(`there is no client ${id}`)
  return client
}

Object.assign(globalThis, {
  ledger: {
    start: (settings: LedgerClientSettings): void =>
      void clients.set(settings.id, new LedgerClient(settings)),
    opened: (id: string): Promise<void> => client_of(id).opened,
    finish: (id: string): Promise<ClientRecord> => client_of(id).finish(),
    state: (id: string): LedgerClient['state'] => client_of(id).state,
  },
})
