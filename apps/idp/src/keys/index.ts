// The door of the keys room.

import type { Signer } from '@vouchsafe/core'
import type { KeySource } from '@vouchsafe/core/keys'
import type { Config } from '../config/index.ts'
import { readOrMakeKeyFile } from './key-file.ts'
import { createSealer, derivedSecrets, type Sealer } from './sealing.ts'
import { openSigningKeys, type SigningKeyDeps } from './signing-keys.ts'

export { KeyFileError } from './key-file.ts'
export { SealError, type Sealer } from './sealing.ts'
export { openSigningKeys, type SigningKeyDeps, type SigningKeys, sealedKeyMaker } from './signing-keys.ts'

/** The sealer that the configuration asks for: by its secret, or outside production by the key file in the data folder. */
export const sealerFor = async (config: Pick<Config, 'keyEncryption' | 'dataFolder'>): Promise<Sealer> =>
  createSealer(config.keyEncryption ?? { current: await readOrMakeKeyFile(config.dataFolder), previous: [] })

/** What nonces of proofs are made from: derived from what seals keys, so that every node has it and nothing more is to be kept. */
export const nonceSecrets = async (
  config: Pick<Config, 'keyEncryption' | 'dataFolder'>,
): Promise<readonly Uint8Array[]> =>
  derivedSecrets(
    config.keyEncryption ?? { current: await readOrMakeKeyFile(config.dataFolder), previous: [] },
    'dpop-nonce',
  )

/** The ring of a node, in the parts that a provider and a job take. */
export interface NodeKeys {
  readonly keys: KeySource
  readonly signer: Signer
  /** Does what time asks of the ring; to be called every minute, since no key moves on by itself. */
  readonly keep: () => Promise<void>
}

/** Opens the ring as the configuration says; rejects when a key cannot be opened, so that the start fails. */
export const openKeys = async (
  deps: Pick<SigningKeyDeps, 'stores' | 'ports'> & {
    readonly config: Pick<Config, 'keyEncryption' | 'dataFolder' | 'keyTiming'>
  },
): Promise<NodeKeys> => {
  const { config, stores, ports } = deps
  const keys = await openSigningKeys({ stores, ports, sealer: await sealerFor(config), timing: config.keyTiming })
  return { keys, signer: keys.signer, keep: keys.keep }
}
