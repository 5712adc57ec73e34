// Owns a real provider over the in-memory stores, for the tests of the plugin. Asserts nothing.

import { type Account, createProvider, type Provider, type Stores } from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createNodeSigner, generateSigningKey, nodePorts } from '@vouchsafe/core/ports-node'

const key = await generateSigningKey('RS256')

/** A provider with Alice and one public client, and what was thrown behind its 500s. */
export interface Real {
  readonly provider: Provider
  readonly stores: Stores
  readonly clientId: string
  readonly faults: unknown[]
}

/** Composes one for an issuer. */
export const real = async (issuer: string): Promise<Real> => {
  const stores = createMemoryStores()
  const accounts = { find: (): Account => ({ claims: { name: 'Alice' } }) }
  const keys = { keys: () => [{ ...key, state: 'active' as const }] }
  const ports = { ...nodePorts, signer: createNodeSigner([key]), keys, accounts }
  const faults: unknown[] = []
  const provider = createProvider({ issuer, ports, stores, onFault: (error) => faults.push(error) })
  const made = await createClient(
    { stores, ports },
    {
      clientId: 'spa',
      actor: 'test',
      metadata: {
        client_name: 'SPA',
        redirect_uris: ['https://rp.example/callback'],
        token_endpoint_auth_method: 'none',
        scope: 'openid profile',
      },
      policy: { development: false, grantTypes: ['authorization_code'], scopes: 'any', unknownFields: 'refuse' },
    },
  )
  if (!made.ok) throw new Error(JSON.stringify(made.error))
  return { provider, stores, clientId: made.value.client.clientId, faults }
}
